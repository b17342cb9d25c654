"""The purge: what is past its time is gone with its keys, and the certificate says so."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from exchange.domain import merkle
from exchange.domain.base64url import b64url
from exchange.domain.life.purging import version_entry
from exchange.domain.records import later
from exchange.errors import IntegrityError, PurgeRunning
from exchange.services.retention.purge_records import Purged, purge_records
from exchange_client.core.encoding import unb64url
from tests.support.dispute_desk import DisputeDesk
from tests.support.grant_desk import answer_claims, refusal, shown


def purged(desk: DisputeDesk, records_max: int = 100) -> Purged:
    """Run one turn of the purge, today."""
    return purge_records(records_max, 90, desk.sandbox.ports)


def claims_of(done: Purged) -> dict[str, object]:
    """Return the certificate's claims."""
    claims: dict[str, object] = json.loads(unb64url(done.run.certificate.split(".")[1]))
    return claims


def settle(desk: DisputeDesk, account: str = "acc-1") -> None:
    """Report an account as settled today."""
    today = desk.day(0)
    row = desk.clean(
        1, account, status="SETTLED", status_on=today, closed_on=today, balance_minor=0
    )
    shown(desk.put(row))


def test_a_record_goes_when_its_last_episode_is_past_and_not_before(desk: DisputeDesk) -> None:
    """Five years after the end of an arrear it must not haunt the borrower (CRR art. 16)."""
    desk.reported()
    settle(desk)

    last = later(desk.today, 12 * 5)

    assert [(last,)] == desk.sql("SELECT purge_on FROM record WHERE current")
    due(desk, 1)
    assert 0 == purged(desk).run.records
    due(desk, 0)
    done = purged(desk)

    assert (1, 2) == (done.run.records, done.run.versions)
    assert [(0, 0)] == desk.sql(
        "SELECT (SELECT count(*) FROM record), (SELECT count(*) FROM account)"
    )


def due(desk: DisputeDesk, days: int) -> None:
    """Let the record's last day be so many days ahead."""
    desk.sql(
        "UPDATE record SET purge_on = %s WHERE current RETURNING 1",
        desk.today + timedelta(days=days),
    )


def test_a_running_arrear_never_goes(desk: DisputeDesk) -> None:
    """No clock runs while the debt does (CRR art. 16)."""
    desk.reported()

    done = purged(desk)

    assert (0, 1) == (done.run.records, desk.records())
    assert [(None,)] == desk.sql("SELECT purge_on FROM record")


@pytest.mark.parametrize(("reason", "again"), [("DELETE_ERROR", 200), ("DELETE_FRAUD", 422)])
def test_a_deleted_record_leaves_a_tombstone_and_fraud_is_never_reported_again(
    desk: DisputeDesk, reason: str, again: int
) -> None:
    """A victim of identity theft stays free of the account after everything is forgotten."""
    record = desk.reported()
    shown(desk.send("DELETE", f"/v1/records/acc-1?reason={reason}"))

    done = purged(desk)

    assert {reason: 1} == {n: c for n, c in dict(claims_of(done)["records"]).items() if c}  # type: ignore[call-overload]
    assert [(record, reason)] == desk.sql("SELECT record_id, reason FROM tombstone")
    answered = desk.put(desk.late())
    assert again == answered.status_code
    if again == 200:
        assert [(True,)] == desk.sql("SELECT record_id <> %s FROM account", record)
    else:
        assert "row.after_fraud_delete" == answered.get_json()["errors"][0]["code"]


def test_withdrawn_records_lose_their_keys(desk: DisputeDesk) -> None:
    """A consent that was taken back must leave nothing to open."""
    desk.reported()
    shown(desk.end(desk.contribute(), "withdraw"))

    done = purged(desk)

    assert 1 == dict(claims_of(done)["records"])["WITHDRAWN"]  # type: ignore[call-overload]
    assert 0 == desk.records()


def test_the_certificate_names_what_went_by_a_root_that_anyone_can_compute(
    desk: DisputeDesk,
) -> None:
    """A regulator holds the ids that went against the signed root."""
    desk.reported()
    shown(desk.put(desk.late(days=35, balance_minor=700_000)))
    shown(desk.send("DELETE", "/v1/records/acc-1?reason=DELETE_ERROR"))
    rows = desk.sql("SELECT record_id, version FROM record ORDER BY record_id, version")

    done = purged(desk)

    entries = [version_entry(record, version) for record, version in rows]  # type: ignore[arg-type]
    root = merkle.root([merkle.leaf_hash(entry) for entry in entries])
    claims = claims_of(done)
    assert (b64url(root), 3, "cn@1") == (claims["root"], claims["keys"], claims["profile"])
    assert 1 == desk.leaves("erasure")


def test_a_second_run_of_a_day_removes_nothing_and_gives_the_first_certificate(
    desk: DisputeDesk,
) -> None:
    """A job that a scheduler starts twice must not tell two stories."""
    desk.reported()
    shown(desk.send("DELETE", "/v1/records/acc-1?reason=DELETE_ERROR"))
    first = purged(desk)

    again = purged(desk)

    assert first.run.certificate == again.run.certificate
    assert (1, 1) == (len(desk.sql("SELECT 1 FROM purge_run")), desk.leaves("erasure"))


def test_a_turn_takes_so_many_and_says_that_there_are_more(desk: DisputeDesk) -> None:
    """A backlog must not become one transaction of hours."""
    for n in range(3):
        desk.reported(n + 1, f"acc-{n}")
        shown(desk.send("DELETE", f"/v1/records/acc-{n}?reason=DELETE_ERROR"))

    turns = [purged(desk, records_max=2) for _ in range(2)]

    assert [(2, True), (1, False)] == [(turn.run.records, turn.full) for turn in turns]
    assert 0 == desk.records()


def test_a_record_that_does_not_open_stops_the_turn_and_nothing_is_lost(desk: DisputeDesk) -> None:
    """Damage must alarm, not be swept away."""
    desk.reported()
    shown(desk.send("DELETE", "/v1/records/acc-1?reason=DELETE_ERROR"))
    desk.sql("UPDATE record SET sealed = %s WHERE current RETURNING 1", b"x" * 300)

    with pytest.raises(IntegrityError):
        purged(desk)

    assert (2, 0) == (desk.records(), desk.leaves("erasure"))


def test_what_is_due_is_out_of_every_answer_whether_or_not_the_purge_ran(
    desk: DisputeDesk, other: DisputeDesk
) -> None:
    """A job that failed for a week must cost no borrower a loan."""
    desk.reported()
    shown(desk.send("DELETE", "/v1/records/acc-1?reason=DELETE_ERROR"))
    before = other.answer(other.granted(1), 1)

    purged(desk)

    assert ("NO_DATA", "permitted") == before == other.answer(other.granted(1), 1)


def test_statements_and_disputes_go_with_what_they_speak_of(desk: DisputeDesk) -> None:
    """A borrower's words are kept no longer than the record they explain."""
    view = desk.borrower_disputes(desk.reported())
    said = {
        "statement_id": "sta_019a0000000070008000000000000001",
        "account_ref": "acc-1",
        "text": "I was ill.",
    }
    shown(desk.send("POST", "/v1/statements", said))
    shown(desk.reply(f"dsp_{view.dispute.dispute_id.hex}"))
    settle(desk)

    due(desk, 0)
    purged(desk)

    counts = ", ".join(
        f"(SELECT count(*) FROM {name})"
        for name in ("record", "dispute", "dispute_event", "dispute_mark", "statement")
    )
    assert [(0, 0, 0, 0, 0)] == desk.sql(f"SELECT {counts}")


def test_nothing_of_a_purged_record_is_left_in_a_dump_or_in_the_files(desk: DisputeDesk) -> None:
    """Who steals the disk after the purge must find neither payload nor key nor account number."""
    account = "canary-account-4711"
    desk.reported(1, account)
    wrapped = desk.sql("SELECT wrapped, sealed FROM record WHERE member_id = 'member-a'")[0]
    bad = desk.file([desk.late(2, "acc-2", currency="USD"), desk.clean(3, "acc-3")])
    desk.upload(bad)
    absent = desk.file([desk.clean(3, "acc-3")], {"kind": "FULL"})
    assert 1 == answer_claims(desk.upload(absent))["absent"]
    shown(desk.send("DELETE", f"/v1/records/{account}?reason=DELETE_FRAUD"))
    canaries = [account.encode(), *(bytes(one) for one in wrapped)]  # type: ignore[call-overload]
    url = desk.sandbox.settings.libpq_url
    assert found_in_dump(url, canaries)

    purge_records(100, 90, desk.at(0))

    desk.sandbox.close()  # A snapshot still open would keep dead rows in the files.
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM FULL")
        connection.execute("CHECKPOINT")
    assert [] == found_in_dump(url, canaries)
    assert [] == found_in_files(url, canaries)


def test_lists_of_faults_and_of_absent_accounts_go_but_for_the_newest_of_the_absent(
    desk: DisputeDesk,
) -> None:
    """Account numbers of years would stay readable; completeness is measured by the last list."""
    desk.reported()
    rows = [desk.clean(3, f"acc-{n}") for n in range(5, 10)]
    for _ in range(2):
        desk.uploaded([*rows, desk.clean(3, "bad", currency="USD")], kind="FULL")
    for days, left in ((90, (2, 2)), (1, (1, 0))):
        seconds = days * 86_400 - 60
        desk.sql("UPDATE batch SET received_at = received_at - %s RETURNING 1", seconds)

        purged(desk)

        assert [left] == desk.sql(
            "SELECT (SELECT count(*) FROM batch_absent), (SELECT count(*) FROM batch_fault)"
        )


def found_in_dump(url: str, canaries: list[bytes]) -> list[bytes]:
    """Return the canaries that a copy of every table holds, as text or as hex."""
    with psycopg.connect(url) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        content = b""
        for (table,) in tables.fetchall():
            with connection.cursor().copy(f'COPY "{table}" TO STDOUT'.encode()) as rows:
                content += b"".join(bytes(row) for row in rows)
    return [one for one in canaries if one in content or one.hex().encode() in content]


def found_in_files(url: str, canaries: list[bytes]) -> list[bytes]:
    """Return the canaries that the database's own files hold (not the write-ahead log)."""
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT current_setting('data_directory'), oid FROM pg_database"
            " WHERE datname = current_database()"
        ).fetchone()
    assert row is not None
    files = [path for path in (Path(row[0]) / "base" / str(row[1])).iterdir() if path.is_file()]
    assert files
    return [one for one in canaries if any(one in path.read_bytes() for path in files)]


def test_a_purge_that_is_under_way_keeps_a_second_one_out(desk: DisputeDesk) -> None:
    """Two jobs at once would certify the same thing twice."""
    with desk.sandbox.ports.begin() as work:
        assert work.retention.begin_purge()

        with pytest.raises(PurgeRunning):
            purged(desk)


def test_a_refused_deletion_is_no_purge(desk: DisputeDesk) -> None:
    """Only what was deleted may be forgotten."""
    desk.reported()

    refused = desk.send("DELETE", "/v1/records/acc-9?reason=DELETE_ERROR")

    assert (404, "absent", "/account_ref") == refusal(refused)
    assert (0, 1) == (purged(desk).run.records, desk.records())
