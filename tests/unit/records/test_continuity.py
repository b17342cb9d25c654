"""What a row may change of the stored record, at the edges that the vectors leave open."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest

from exchange.domain.records import RecordPayload, Status
from exchange.domain.rows import (
    DeleteReason,
    Deletion,
    Flaw,
    Row,
    StoredRecord,
    check_against_stored,
    check_deletion,
    check_opening,
    read_row,
)
from tests.support.rows import (
    ABSENT,
    NOTICE,
    clean_fields,
    judge,
    line_of,
    payload,
    row_fields,
    row_of,
    submission,
)

EARLIER = {"as_of": "2026-03-10", "dpd": 9}
CHARGED_OFF = row_fields(status="CHARGED_OFF", status_on="2026-03-10", five_class=5, **EARLIER)
ENDED = {"status_on": "2026-03-31", "closed_on": "2026-03-31"}
PAID = clean_fields(balance_minor=0, **ENDED)
SALE = {"transfer_id": "019a0000-0000-7000-8000-000000000001"}
CURED = [row_fields(**EARLIER), clean_fields(as_of="2026-03-15")]
RESTRUCTURED = clean_fields(
    status="RESTRUCTURED", status_on="2026-03-16", as_of="2026-03-16", five_class=2
)


def pause(starts: str, ends: str, cause: str = "COURT") -> dict[str, str]:
    return {"from": starts, "to": ends, "cause": cause}


def paused(as_of: str, ends: str) -> dict[str, object]:
    """Return a row that is paused from the second day past due on."""
    return row_fields(
        as_of=as_of,
        status="PAUSED",
        oldest_unpaid_due_on="2026-02-28",
        first_overdue_on="2026-03-01",
        dpd=1,
        pauses=[pause("2026-03-02", ends)],
    )


def again(days: int) -> dict[str, object]:
    """Return a row whose new episode begins some days after the 15th."""
    first = date(2026, 3, 15) + timedelta(days)
    due = first - timedelta(1)
    return row_fields(
        first_overdue_on=str(first),
        oldest_unpaid_due_on=str(due),
        dpd=(date(2026, 3, 31) - due).days,
        notice=NOTICE,
    )


PAUSED_AT_ONCE = row_fields(
    as_of="2026-03-05",
    status="PAUSED",
    first_overdue_on=ABSENT,
    dpd=0,
    pauses=[pause("2026-03-02", "2026-03-31")],
)
JUMPED = ("dpd", "plaus.dpd_jump")
MOVED = ("first_overdue_on", "row.first_overdue_changed")
PAUSES = ("pauses", "row.pause")
REOPENED = ("first_overdue_on", "plaus.reopened_within_7_days")
LATE_ON_OPENING = row_fields(as_of="2026-03-20", dpd=19, pauses=[pause("2026-02-05", "2026-02-10")])
PAUSED_UNTIL_DUE = row_fields(
    as_of="2026-03-20", dpd=19, pauses=[pause("2026-02-05", "2026-03-01")]
)


@pytest.mark.parametrize(
    ("before", "row", "flaws"),
    [
        # What may follow a charge-off, and nothing that looks like a living debt.
        ([CHARGED_OFF], PAID | {"status": "GUARANTOR_PAID"}, []),
        ([CHARGED_OFF], PAID | {"status": "ASSET_SETTLED"}, []),
        ([CHARGED_OFF], PAID | {"status": "SETTLED"}, []),
        ([CHARGED_OFF], row_fields(status="SOLD", five_class=5, **ENDED, **SALE), []),
        # An episode does not end by silence, and does not begin before it can have.
        (
            [row_fields(**EARLIER)],
            clean_fields(status="RESTRUCTURED", status_on="2026-03-31", five_class=2),
            [MOVED],
        ),
        ([clean_fields(as_of="2026-03-02")], row_fields(), [MOVED, JUMPED]),
        ([clean_fields(as_of="2026-03-01")], row_fields(), []),
        (
            [PAUSED_AT_ONCE],
            row_fields(dpd=21, pauses=[pause("2026-03-02", "2026-03-10")]),
            [],
        ),
        # A pause that still runs may end earlier or later; one that is over is told as it was.
        ([paused("2026-03-10", "2026-03-20")], paused("2026-03-12", "2026-03-12"), []),
        ([paused("2026-03-10", "2026-03-10")], paused("2026-03-12", "2026-03-12"), []),
        ([LATE_ON_OPENING], row_fields(pauses=[pause("2026-02-05", "2026-02-12")]), [PAUSES]),
        ([LATE_ON_OPENING], row_fields(pauses=[pause("2026-02-10", "2026-02-12")]), [PAUSES]),
        ([LATE_ON_OPENING], row_fields(pauses=[pause("2026-02-03", "2026-02-05")]), [PAUSES]),
        (
            [LATE_ON_OPENING],
            row_fields(pauses=[pause("2026-02-05", "2026-02-10", "DISASTER")]),
            [PAUSES],
        ),
        ([LATE_ON_OPENING], row_fields(pauses=[pause("2026-02-11", "2026-02-12")]), []),
        ([PAUSED_UNTIL_DUE], row_fields(), []),  # None of its days is past due.
        # What is not plausible.
        (
            [row_fields(as_of="2026-03-30", dpd=29)],
            row_fields(oldest_unpaid_due_on="2026-03-02", dpd=29),
            [],
        ),
        (
            [paused("2026-03-10", "2026-03-20"), paused("2026-03-11", "2026-03-20")],
            paused("2026-03-12", "2026-03-20"),
            [],
        ),
        (CURED, again(7), [REOPENED]),
        (CURED, again(8), []),
        ([*CURED, RESTRUCTURED], again(0), [REOPENED, JUMPED]),
        ([*CURED, RESTRUCTURED], again(-1), [JUMPED]),
    ],
)
def test_a_row_continues_the_stored_record(
    before: list[dict[str, object]], row: dict[str, object], flaws: list[tuple[str, str]]
) -> None:
    """The past of a debt must neither be rewritten nor stand in the way of what is true."""
    told = [line_of(fields) for fields in before]

    assert sorted(flaws) == sorted(judge(line_of(row), told, submission()))


def test_a_correction_that_lists_an_arrear_needs_its_notice() -> None:
    """AMEND must be no way to list a borrower who was not told."""
    row = line_of(row_fields(reason="AMEND", notice=ABSENT))

    assert [("notice", "row.notice_missing")] == judge(row, [line_of(clean_fields())], submission())


def test_an_account_that_opens_in_arrears_needs_its_notice() -> None:
    """The quick way through a file is no way around the borrower's right to be told."""
    assert [Flaw("notice", "row.notice_missing")] == check_opening(
        row_of(notice=ABSENT), submission()
    )


def stored(kept: RecordPayload, *, sequence: int = 7, epoch: str = "ep_1") -> StoredRecord:
    return StoredRecord(UUID(int=1), 1, sequence, epoch, b"subject", kept)


@pytest.mark.parametrize(
    ("epoch", "subject", "sequence", "flaws"),
    [
        ("ep_1", b"subject", 7, []),
        ("ep_1", b"subject", 8, [Flaw("account_ref", "row.superseded")]),
        ("ep_1", b"another", 7, [Flaw("tokens", "row.subject_changed")]),
        ("ep_2", b"another", 7, []),  # Tokens of two epochs cannot be compared.
    ],
)
def test_a_row_speaks_of_the_stored_subject_and_is_the_newest(
    epoch: str, subject: bytes, sequence: int, flaws: list[Flaw]
) -> None:
    """Last week's file must not undo this week's, nor one debt move to another person."""
    row = read_row(line_of(clean_fields()))
    assert isinstance(row, Row)

    found = check_against_stored(
        row,
        subject,
        epoch,
        stored(payload(as_of=date(2026, 3, 1)), sequence=sequence),
        submission(),
    )

    assert flaws == found


@pytest.mark.parametrize(
    ("day", "sequence", "status", "flaws"),
    [
        (1, 7, Status.CURRENT, []),
        (20, 7, Status.SETTLED, []),
        (0, 7, Status.CURRENT, [Flaw("as_of", "row.date_order")]),
        (21, 7, Status.CURRENT, [Flaw("as_of", "row.date_order")]),
        (1, 8, Status.CURRENT, [Flaw("account_ref", "row.superseded")]),
        (1, 7, Status.DELETED_FRAUD, [Flaw("account_ref", "row.status_transition")]),
    ],
)
def test_a_deletion_belongs_into_its_file(
    day: int, sequence: int, status: Status, flaws: list[Flaw]
) -> None:
    """A deletion of another period, or of an older file, would take away what is true since."""
    circumstances = replace(submission(), as_of_from=date(2026, 3, 1), as_of_to=date(2026, 3, 20))
    as_of = date(2026, 2, 28) + timedelta(day)
    deletion = Deletion(account_ref="acc-1", reason=DeleteReason.DELETE_ERROR, as_of=as_of)

    found = check_deletion(
        deletion, stored(payload(status=status), sequence=sequence), circumstances
    )

    assert flaws == found
