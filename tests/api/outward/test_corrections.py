"""RECORD_CORRECTED: who was given a band that a correction changes is told, and nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from exchange.services.disputes.change_dispute import close_dispute
from tests.support.dispute_desk import DisputeDesk
from tests.support.grant_desk import shown
from tests.support.record_desk import RecordDesk
from tests.support.sandbox import Sandbox, make_sandbox


class Desks(NamedTuple):
    """Who reports, who asked, and who did not."""

    reporter: RecordDesk
    asker: RecordDesk
    stranger: RecordDesk


@pytest.fixture
def desks(database_url: str, tmp_path: Path) -> Iterator[Desks]:
    """Three lenders; the first reports an arrear of 40 days and the second has been told."""
    sandbox: Sandbox = make_sandbox(database_url, tmp_path)
    made = Desks(
        *(
            RecordDesk(sandbox=sandbox, key=sandbox.enrol(f"member-{letter}"))
            for letter in ("r", "a", "s")
        )
    )
    made.reporter.uploaded([made.reporter.late(days=40)])
    assert "ADVERSE" == made.asker.answer(made.asker.granted())[0]
    yield made
    sandbox.close()


class Told(NamedTuple):
    """One event, as a lender reads it."""

    kind: str
    facts: dict[str, object]
    bands: dict[str, object] | None


def events(desk: RecordDesk) -> list[Told]:
    """Read everything that a lender was told."""
    found = shown(desk.send("GET", "/v1/events"))["events"]
    assert isinstance(found, list)
    return [Told(one["kind"], one["facts"], one.get("bands")) for one in found]


def test_an_amended_record_is_told_to_who_was_given_its_band(desks: Desks) -> None:
    """A lender that refused somebody over a mistake must hear that it was one."""
    amended = desks.reporter.put(desks.reporter.late(days=5, reason="AMEND"))
    assert 200 == amended.status_code, amended.text

    (told,) = events(desks.asker)

    assert ("RECORD_CORRECTED", "AMENDED") == (told.kind, told.facts["cause"])
    assert told.bands is not None
    assert 1 == told.bands["current_bucket"]
    assert told.bands.keys() <= {
        *("outcome", "current_bucket", "worst_bucket", "late_months", "months_since_worst"),
        *("open_overdue_band", "lender_band", "freshest_month", "overdue_amount_band"),
    }
    assert [[], []] == [events(desks.stranger), events(desks.reporter)]


def test_a_deleted_record_is_told_as_a_changed_outcome(desks: Desks) -> None:
    """The arrear never was: who was told ADVERSE must be told that it is not."""
    deleted = desks.reporter.send("DELETE", "/v1/records/acc-1?reason=DELETE_ERROR")
    assert 200 == deleted.status_code, deleted.text

    (told,) = events(desks.asker)

    assert "DELETED" == told.facts["cause"]
    assert told.bands is not None
    assert "NO_DATA" == told.bands["outcome"]
    opened = desks.asker.opened(str(told.facts["leaf"]))
    assert "RECORD_CORRECTED" == opened["subject"]["event"]
    assert told.facts["query_id"] == opened["audit"]["watch"]


def test_a_file_tells_of_its_corrections_page_by_page(
    desks: Desks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A night's corrections come in a file; those of whom nobody asked tell nobody."""
    monkeypatch.setattr("exchange.services.events.tell_askers._PAGE_ROWS", 1)
    reporter, asker = desks.reporter, desks.asker
    reporter.uploaded([reporter.late(n, f"acc-{n}", days=40) for n in (2, 3, 4)])
    for n in (2, 4):
        asker.answer(asker.granted(n), n)
    gone: dict[str, object] = {"op": "DELETE", "account_ref": "acc-2", "reason": "DELETE_ERROR"}

    claims = reporter.uploaded(
        [
            reporter.late(1, days=5, reason="AMEND"),
            gone | {"as_of": reporter.day(0)},
            reporter.late(3, "acc-3", days=5, reason="AMEND"),
            reporter.late(4, "acc-4", days=40, reason="AMEND", balance_minor=599_999),
        ]
    )

    assert (3, 1) == (claims["amended"], claims["deleted"])
    told = {one.facts["cause"]: one.bands for one in events(asker)}
    assert ["AMENDED", "DELETED"] == sorted(map(str, told))
    assert [1, "NO_DATA"] == [
        (told["AMENDED"] or {})["current_bucket"],
        (told["DELETED"] or {})["outcome"],
    ]
    assert 2 == len(events(asker))


def test_a_record_that_merely_goes_on_tells_nobody(desks: Desks) -> None:
    """News about a borrower needs a watch and a grant; a correction is none of these."""
    desks.reporter.put(desks.reporter.late(days=41))

    assert [] == events(desks.asker)


def test_a_band_that_time_had_changed_already_is_not_told_anew(desks: Desks) -> None:
    """A correction must not show what others reported since: that would be a look without grant."""
    third = desks.stranger
    third.uploaded([third.late(account="acc-9", days=200)])
    amended = third.put(third.late(account="acc-9", days=100, reason="AMEND"))
    assert 200 == amended.status_code, amended.text
    desks.reporter.send("DELETE", "/v1/records/acc-1?reason=DELETE_ERROR")

    told = events(desks.asker)

    assert [] == [one for one in told if "current_bucket" in (one.bands or {})]
    assert [] == [one for one in told if "worst_bucket" in (one.bands or {})]


def test_erasing_a_subject_takes_the_bands_out_of_events(desks: Desks) -> None:
    """What is forgotten of a borrower is forgotten in the feeds as well; the event stays."""
    desks.reporter.send("DELETE", "/v1/records/acc-1?reason=DELETE_ERROR")
    desks.asker.sql(
        "DELETE FROM opening_key WHERE key_id IN (SELECT key_id FROM event WHERE sealed IS NOT"
        " NULL) RETURNING 1"
    )

    (told,) = events(desks.asker)

    assert told.bands is None
    assert "RECORD_CORRECTED" == told.kind


def test_bands_lie_sealed_in_the_database(desks: Desks) -> None:
    """A stolen dump tells no band of anybody."""
    desks.reporter.send("DELETE", "/v1/records/acc-1?reason=DELETE_ERROR")

    rows = desks.asker.sql("SELECT facts, encode(sealed, 'escape') FROM event")

    assert rows
    assert all("NO_DATA" not in f"{row[0]}{row[1]}" for row in rows)


def test_a_closed_dispute_is_told_to_who_was_given_the_flag(
    database_url: str, tmp_path: Path
) -> None:
    """Who was told that a record is disputed must hear when that is over."""
    sandbox = make_sandbox(database_url, tmp_path)
    reporter, asker = (
        DisputeDesk(sandbox=sandbox, key=sandbox.enrol(f"member-{letter}")) for letter in ("r", "a")
    )
    view = reporter.borrower_disputes(reporter.reported())
    given = asker.finding()
    close_dispute(view.dispute.dispute_id, reporter.borrower(), sandbox.ports, agreed=True)

    told = events(asker)

    assert given["dispute"] is True
    assert [("RECORD_CORRECTED", "DISPUTE_CLOSED")] == [
        (one.kind, one.facts["cause"]) for one in told
    ]
    assert told[0].bands is not None
    assert told[0].bands["dispute"] is False
    sandbox.close()
