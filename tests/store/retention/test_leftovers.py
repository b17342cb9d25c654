"""What a purge takes along: words, sales, lists, versions; nothing readable stays."""

from __future__ import annotations

import time
from pathlib import Path
from uuid import UUID

import psycopg

from exchange.domain.records import later
from exchange.services.disputes.make_statement import StatementText, make_statement
from exchange.services.retention.purge_records import purge_records
from exchange_client.core.ids import new_id
from tests.support.dispute_desk import DisputeDesk
from tests.support.grant_desk import answer_claims, shown
from tests.support.life.purging import due, purged, settle
from tests.support.sales import sells


def test_a_sold_record_takes_its_sale_along_and_leaves_no_tombstone(desk: DisputeDesk) -> None:
    """What is past its time was no error and no fraud: nothing of it stays."""
    assert [] == sells(desk)
    assert [(1,)] == desk.sql("SELECT count(*) FROM transfer")
    due(desk, 0)

    purged(desk)

    assert [(0, 0)] == desk.sql(
        "SELECT (SELECT count(*) FROM transfer), (SELECT count(*) FROM tombstone)"
    )


def test_versions_replaced_longer_ago_than_the_retention_go(desk: DisputeDesk) -> None:
    """An open account of ten years must not keep what it said in its first."""
    desk.reported()
    shown(desk.put(desk.late(days=35, balance_minor=700_000)))
    years = (desk.today - later(desk.today, -12 * 5)).days * 86_400
    for seconds, left in ((-60, 2), (60, 1)):
        desk.sql(
            "UPDATE record SET record_id = '01500000-0000-7000-8000-000000000001',"
            " submitted_at = %s WHERE NOT current RETURNING 1",
            int(time.time()) - years - seconds,
        )

        purged(desk)

        assert left == desk.records()


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


def test_words_about_a_person_stay_as_long_as_a_record_and_a_lost_dispute_90_days(
    desk: DisputeDesk,
) -> None:
    """Nobody keeps a borrower's story who keeps no record; quality counts what a lender lost."""
    view = desk.borrower_disputes(desk.reported())
    said = StatementText(
        statement_id=UUID(new_id("sta")[4:]),
        account_ref=None,
        record_id=None,
        text="I was ill.",
        digest=bytes(32),
    )
    make_statement(said, desk.borrower(), desk.sandbox.ports)
    dispute = f"dsp_{view.dispute.dispute_id.hex}"
    purged(desk)
    shown(desk.reply(dispute, "DELETED_ERROR"))
    shown(desk.step(dispute, "close", agreed=True))
    kept = "SELECT (SELECT count(*) FROM statement), (SELECT count(*) FROM dispute_event)"
    before = desk.sql(kept)
    purged(desk)
    after = desk.sql(kept)
    desk.let_days_pass(dispute, 90)
    desk.sql("UPDATE dispute SET closed_at = closed_at + 60 RETURNING 1")
    purged(desk)
    still = desk.sql(kept)

    desk.sql("UPDATE dispute SET closed_at = closed_at - 120 RETURNING 1")
    purged(desk)

    assert ([(1, 3)], [(0, 3)], [(0, 3)]) == (before, after, still)
    assert [(0, 0)] == desk.sql(kept)


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
    canaries = [account.encode(), *(bytes(one) for one in wrapped)]  # type: ignore[call-overload]  # bytes, of SQL
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
