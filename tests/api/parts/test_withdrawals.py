"""Consents that end while a file that names them is being stored."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

import pytest
from werkzeug.test import TestResponse

from consent.grants import GrantEvent
from exchange.services.batches.work_off import work_off_one
from exchange.services.grants.change_grant import change_within, relayed
from tests.support.grant_desk import shown
from tests.support.record_desk import RecordDesk
from tests.support.stepped import Steps, stepped

WAITED_SECONDS_MAX = 10


@dataclass(slots=True, kw_only=True)
class Meanwhile(Steps):
    """Lets something happen before one of the steps."""

    before: str
    does: Callable[[], object]

    def step(self, name: str, call: Callable[[], object]) -> object:
        """Do one step, and what comes before it."""
        if name == self.before and name not in self.steps:
            self.does()
        self.steps.append(name)
        return call()


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
    "before rows are made current": Case("grants.suppress_since", withdraw(1), OUT),
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


def test_a_withdrawal_waits_while_rows_are_made_current(desk: RecordDesk) -> None:
    """It takes out what it waited for, the version before as well as the one stored meanwhile."""
    later_file(desk)
    with ThreadPoolExecutor(1) as pool:
        ended: list[Future[TestResponse]] = []

        def withdraw() -> None:
            ended.append(pool.submit(desk.end, desk.contribute(1), "withdraw"))
            await_waiting(desk)

        work_off(desk, Meanwhile(before="staging.retire", does=withdraw))

        assert "WITHDRAWN" == shown(ended[0].result())["state"]
    assert TOLD_TWICE == versions(desk)


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
        await_waiting(desk)
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


def await_waiting(desk: RecordDesk) -> None:
    """Wait until a session of this database waits for another."""
    deadline = time.monotonic() + WAITED_SECONDS_MAX
    while not desk.sql(
        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database()"
        " AND wait_event_type = 'Lock'"
    ):
        assert time.monotonic() < deadline
        time.sleep(0.01)
