"""A purge beside whoever else is at a record: nobody waits in a circle, and nothing told is lost.

Whoever stores a version holds the account and then writes to the record; so does the purge, and it
takes no record that somebody else is at.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from exchange.services.batches.work_off import work_off_one
from exchange.services.records.put_record import put_record
from exchange.services.retention.purge_records import Purged, purge_records
from tests.support.dispute_desk import DisputeDesk
from tests.support.grant_desk import shown
from tests.support.life.purging import due, purged
from tests.support.sandbox import Sandbox, make_sandbox
from tests.support.stepped import Meanwhile, await_waiting, stepped, waits


@pytest.fixture
def sandbox(database_url: str, tmp_path: Path) -> Iterator[Sandbox]:
    """An exchange that leaves every file to its worker."""
    made = make_sandbox(database_url, tmp_path, batch_inline_bytes_max=0)
    yield made
    made.close()


def due_and_told_again(desk: DisputeDesk) -> None:
    """Report an account, let its time be past, and queue a file that tells of it once more."""
    desk.reported()
    due(desk, 0)
    desk.upload(desk.file([desk.late(days=35, balance_minor=700_000)]))


def work_off(desk: DisputeDesk, steps: Meanwhile) -> None:
    """Let a worker end what waits, by steps."""
    ports = stepped(desk.sandbox.ports, steps)
    with ports.session() as session:
        assert work_off_one(session, ports)


def purge(desk: DisputeDesk, steps: Meanwhile) -> Purged:
    """Run one turn of the purge, by steps."""
    return purge_records(100, 90, stepped(desk.sandbox.ports, steps))


def standing(desk: DisputeDesk) -> list[tuple[object, ...]]:
    """List the versions of each account's record, and which is current."""
    return desk.sql(
        "SELECT a.account_ref, r.version, r.current FROM account a JOIN record r USING (record_id)"
        " ORDER BY a.account_ref, r.version"
    )


CONTINUED = [("acc-1", 1, False), ("acc-1", 2, True)]
ANEW = [("acc-1", 1, True)]


def test_a_purge_leaves_what_a_file_is_at_and_neither_waits(desk: DisputeDesk) -> None:
    """A file of a million rows was thrown back by a purge that held the record it came to last."""
    due_and_told_again(desk)
    with ThreadPoolExecutor(1) as pool:
        ran: list[Future[Purged]] = []

        def purge_meanwhile() -> None:
            ran.append(pool.submit(purged, desk))
            while not ran[0].done() and not waits(desk.sql):
                pass

        work_off(desk, Meanwhile(before="staging.retire", does=purge_meanwhile))

        assert 0 == ran[0].result().run.records
    assert CONTINUED == standing(desk)
    assert [("DONE",)] == desk.sql("SELECT state FROM batch")


def test_what_was_told_since_a_record_was_found_due_is_kept(desk: DisputeDesk) -> None:
    """A lender holds a receipt for it: a purge that removed it would make that a lie."""
    due_and_told_again(desk)

    done = purge(desk, Meanwhile(before="retention.hold", does=desk.work_off))

    assert 0 == done.run.records
    assert CONTINUED == standing(desk)


def test_a_file_that_comes_to_a_purge_tells_of_a_new_record(desk: DisputeDesk) -> None:
    """What is being removed cannot be continued: its account is told of anew."""
    due_and_told_again(desk)
    with ThreadPoolExecutor(1) as pool:
        ended: list[Future[None]] = []

        def store() -> None:
            ended.append(pool.submit(desk.work_off))
            await_waiting(desk.sql)

        done = purge(desk, Meanwhile(before="commit", does=store))
        ended[0].result()

    assert 1 == done.run.records
    assert ANEW == standing(desk)


def test_a_record_sent_alone_is_not_stored_behind_its_own_purge(desk: DisputeDesk) -> None:
    """A second version of a record whose first is gone would begin a history in its middle."""
    desk.reported()
    due(desk, 0)
    row = desk.late(days=35, balance_minor=700_000)
    with ThreadPoolExecutor(1) as pool:
        sent: list[Future[object]] = []

        def send() -> None:
            sent.append(pool.submit(desk.put, row))
            await_waiting(desk.sql)

        purge(desk, Meanwhile(before="commit", does=send))

        assert 503 == sent[0].result().status_code  # type: ignore[attr-defined]  # a response
    assert [] == standing(desk)
    shown(desk.put(row))
    assert ANEW == standing(desk)


def test_a_purge_leaves_what_a_record_sent_alone_is_at(desk: DisputeDesk) -> None:
    """Both wrote to the record first and to its account second, or the reverse: now alike."""
    desk.reported()
    due(desk, 0)
    row = desk.late(days=35, balance_minor=700_000)
    body = json.dumps({"epoch": "ep_1", "profile": "cn@1", **row}).encode()
    ran: list[Purged] = []
    steps = Meanwhile(before="records.append_versions", does=lambda: ran.append(purged(desk)))

    put_record("acc-1", body, desk.asker(), stepped(desk.sandbox.ports, steps))

    assert [0] == [one.run.records for one in ran]
    assert CONTINUED == standing(desk)


@pytest.mark.parametrize(
    "held",
    [
        "account WHERE record_id = %(record)s",
        "dispute WHERE record_id = %(record)s",
        "transfer WHERE sold_record = %(record)s",
        "transfer WHERE bought_record = %(record)s",
    ],
)
def test_a_purge_waits_for_nobody(desk: DisputeDesk, held: str) -> None:
    """Whoever holds a row of these may want one next that the purge has taken already."""
    record = desk.reported()
    desk.opened_dispute()
    desk.sql(
        "INSERT INTO transfer (transfer_id, revision, sold_record, bought_record) VALUES"
        " (gen_random_uuid(), 1, %s, NULL), (gen_random_uuid(), 1, NULL, %s) RETURNING 1",
        record,
        record,
    )
    due(desk, 0)
    with psycopg.connect(desk.sandbox.settings.libpq_url) as other:
        statement = f"SELECT FROM {held} FOR UPDATE"
        assert 1 == other.execute(statement.encode(), {"record": record}).rowcount
        beside = purged(desk).run.records

    assert (0, 1) == (beside, purged(desk).run.records)
    assert [] == standing(desk)
