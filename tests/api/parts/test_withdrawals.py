"""Consents that end while a file that names them is being stored."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple
from uuid import UUID

import pytest
from werkzeug.test import TestResponse

from consent.grants import GrantEvent
from exchange.services.batches.work_off import work_off_one
from exchange.services.grants.change_grant import change_within, relayed
from exchange.services.records.put_record import put_record
from exchange.services.retention.purge_records import purge_records
from tests.support.grant_desk import shown
from tests.support.record_desk import RecordDesk
from tests.support.stepped import Meanwhile, Steps, await_waiting, stepped


class Case(NamedTuple):
    """When a consent changes and how; what then stands of each row, and the faults of the file."""

    before: str
    does: Callable[[RecordDesk], object]
    suppressed: list[bool]
    faults: Sequence[str] = ()


def withdraw(subject: int) -> Callable[[RecordDesk], object]:
    """Withdraw the consent of the n-th subject."""
    return lambda desk: shown(desk.end(desk.contribute(subject), "withdraw"))


def pause(desk: RecordDesk, subject: int = 1) -> None:
    """Pause a consent: no row is reported by it from now on, and none that was is taken out."""
    shown(desk.end(desk.contribute(subject), "pause"))


def renew_and_withdraw(desk: RecordDesk) -> None:
    """Renew a consent and withdraw what took its place: the file names the older one."""
    changes = {"supersedes": desk.contribute(1)}
    shown(desk.end(desk.granted(1, purpose="contribute", changes=changes), "withdraw"))


OUT, BOTH = [True, False], [False, False]
CASES = {
    "before grants are judged": Case(
        "staging.grant_kinds",
        withdraw(1),
        [],
        ["row.grant_withdrawn"],  # one of two: rejected
    ),
    "right after": Case("staging.warn_crowded", withdraw(1), OUT),
    "before it is made up for": Case("grants.suppress_since", withdraw(1), OUT),
    "what renewed it": Case("staging.merge", renew_and_withdraw, OUT),
    "only paused": Case("staging.merge", pause, BOTH),
    "of somebody else": Case("staging.merge", withdraw(3), BOTH),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_consent_that_ends_while_its_file_is_stored_is_heard(
    desk: RecordDesk, case: Case
) -> None:
    """No row is shown to others once its consent is gone, and no file is judged twice for it."""
    desk.contribute(3)
    content = desk.file([desk.clean(1, "acc-1"), desk.clean(2, "acc-2")])
    desk.upload(content)
    meanwhile = Meanwhile(before=case.before, does=lambda: case.does(desk))

    work_off(desk, meanwhile)

    assert case.suppressed == [out for _, current, out in versions(desk) if current]
    assert list(case.faults) == [code for (code,) in desk.sql("SELECT code FROM batch_fault")]
    assert 1 == meanwhile.steps.count("staging.reset")


def test_a_grant_that_changes_before_its_row_is_refused_covers_nothing(desk: RecordDesk) -> None:
    """What nobody has judged stores nothing: rows are refused by what the grants were."""
    spent = desk.contribute(1)
    rows = [desk.clean(1, "acc-1"), desk.clean(2, "acc-2")]
    shown(desk.end(spent, "withdraw"))
    desk.upload(desk.file(rows))

    work_off(desk, Meanwhile(before="staging.refuse_by_grants", does=lambda: pause(desk, 2)))

    assert [(2, "row.grant_withdrawn"), (3, "row.grant_missing")] == desk.sql(
        "SELECT line, code FROM batch_fault ORDER BY line"
    )


@pytest.mark.parametrize("before", ["staging.retire", "batches.finish"])
def test_a_withdrawal_waits_for_no_file_and_is_heard_at_once(desk: RecordDesk, before: str) -> None:
    """A nightly file takes minutes: nobody is shown so long, nor told to come again."""
    other = RecordDesk(sandbox=desk.sandbox, key=desk.sandbox.enrol("member-b"))
    later_file(desk)
    told: list[object] = [other.answer(other.granted(1), 1)]

    def withdraw() -> None:
        told.append(shown(desk.end(desk.contribute(1), "withdraw"))["state"])
        told.append(other.answer(other.granted(1), 1))

    work_off(desk, Meanwhile(before=before, does=withdraw))

    assert [("NO_ADVERSE", "permitted"), "WITHDRAWN", ("NO_DATA", "permitted")] == told
    assert ("NO_DATA", "permitted") == other.answer(other.granted(1), 1)
    assert TOLD_TWICE == versions(desk)
    assert [] == desk.sql("SELECT record_id FROM withheld")


def test_what_a_file_withheld_that_came_to_nothing_is_out_for_good(desk: RecordDesk) -> None:
    """A worker that dies must not bring back what was withdrawn while it lived."""
    other = RecordDesk(sandbox=desk.sandbox, key=desk.sandbox.enrol("member-b"))
    later_file(desk)
    grants = [other.granted(1) for _ in range(2)]

    def withdraw_and_die() -> None:
        shown(desk.end(desk.contribute(1), "withdraw"))
        raise ConnectionError

    with pytest.raises(ConnectionError):
        work_off(desk, Meanwhile(before="grants.suppress_since", does=withdraw_and_die))

    assert ("NO_DATA", "permitted") == other.answer(grants[0], 1)
    assert 1 == purge_records(100, 90, desk.sandbox.ports).run.records
    assert [("acc-2", True, False)] == versions(desk)
    assert [] == desk.sql("SELECT record_id FROM withheld")


def test_nothing_is_left_to_do_once_withdrawals_wait(desk: RecordDesk) -> None:
    """From the lock on they wait for the file, however long it is: for its commit alone."""
    later_file(desk)
    steps = Steps()

    work_off(desk, steps)

    done = steps.steps[steps.steps.index("staging.retire") :]
    assert ["grants.suppress_since", "commit"] == done[done.index("grants.suppress_since") :]


def test_a_withdrawal_of_whom_a_file_corrects_waits_and_not_in_a_circle(desk: RecordDesk) -> None:
    """Both raise the subject's counter, and both want the lock of suppressions after it."""
    other = RecordDesk(sandbox=desk.sandbox, key=desk.sandbox.enrol("member-b"))
    desk.upload(desk.file([desk.late()]))
    desk.work_off()
    other.answer(other.granted(1), 1)  # Whoever was answered is told of the correction: a leaf.
    desk.upload(desk.file([desk.clean(reason="AMEND")]))
    with ThreadPoolExecutor(1) as pool:
        ended: list[Future[TestResponse]] = []

        def withdraw() -> None:
            ended.append(pool.submit(desk.end, desk.contribute(1), "withdraw"))
            await_waiting(desk.sql)

        work_off(desk, Meanwhile(before="batches.finish", does=withdraw))

        assert "WITHDRAWN" == shown(ended[0].result())["state"]
    assert [("DONE",), ("DONE",)] == desk.sql("SELECT state FROM batch")
    assert [("acc-1", False, True), ("acc-1", True, True)] == versions(desk)


def test_a_withdrawal_waits_for_no_record_sent_alone_under_another_consent(
    desk: RecordDesk,
) -> None:
    """Its row is being written to, and its counter wanted: each would wait for the other."""
    shown(desk.put(desk.clean()))
    before, desk.grants[1] = desk.grants[1], desk.granted(1, purpose="contribute")
    body = json.dumps({"epoch": "ep_1", "profile": "cn@1", **desk.clean(balance_minor=5)}).encode()
    ended: list[object] = []
    steps = Meanwhile(
        before="transfers.keep",
        does=lambda: ended.append(shown(desk.end(before, "withdraw"))["state"]),
    )

    put_record("acc-1", body, desk.asker(), stepped(desk.sandbox.ports, steps))

    assert ["WITHDRAWN"] == ended
    assert [("acc-1", False, False), ("acc-1", True, False)] == versions(desk)


def test_a_file_waits_for_a_withdrawal_under_way(desk: RecordDesk) -> None:
    """Both write the same records: who comes second goes on from what the first has left."""
    later_file(desk)
    change = relayed(GrantEvent.WITHDRAW, desk.asker(), desk.sandbox.ports)
    grant_id = UUID(desk.contribute(1).removeprefix("gnt_"))
    with ThreadPoolExecutor(1) as pool, desk.sandbox.ports.begin() as work:
        stored: list[Future[None]] = []

        def withdraw() -> None:
            change_within(desk.member, grant_id, change, work, desk.sandbox.ports)

        stored.append(pool.submit(work_off, desk, Meanwhile(before="staging.merge", does=withdraw)))
        await_waiting(desk.sql)
        work.commit()
        stored[0].result()

    assert TOLD_TWICE == versions(desk)


# Of each account two versions, the second current; the records of the first subject taken out.
TOLD_TWICE = [
    *(("acc-1", False, True), ("acc-1", True, True)),
    *(("acc-2", False, False), ("acc-2", True, False)),
]


def later_file(desk: RecordDesk) -> None:
    """Store two accounts, and queue a file that tells of both a day later."""
    for ago in (1, 0):
        rows = [desk.clean(n, f"acc-{n}", as_of=desk.day(ago)) for n in (1, 2)]
        desk.upload(desk.file(rows))
        if ago:
            desk.work_off()


def work_off(desk: RecordDesk, steps: Steps) -> None:
    """Let a worker end what waits, by steps."""
    ports = stepped(desk.sandbox.ports, steps)
    with ports.session() as session:
        assert work_off_one(session, ports)


def versions(desk: RecordDesk) -> list[tuple[object, ...]]:
    """List of each version its account, whether it is current and whether it is taken out."""
    return desk.sql(
        "SELECT account_ref, current, suppressed FROM record JOIN account USING (record_id)"
        " ORDER BY account_ref, record.version"
    )
