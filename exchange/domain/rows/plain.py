"""Pass a plain row at once: most rows of most files are plain, and nothing is wrong with them.

In:  a Row of the right form, and the circumstances under which it is submitted.
Out: whether it is plain and sound: on time or overdue, of one subject, without history, pauses or
     a special reason. False says nothing about the row: then `check_row` is asked.
Each comparison repeats one of checks.py; a test holds that whatever passes here has no flaw there.
"""

from __future__ import annotations

from datetime import date

from msgspec import UNSET

from consent.profiles import Profile
from exchange.domain.queries import TokenKind
from exchange.domain.records import Status, bucket, class_floor
from exchange.domain.rows.checks import (
    FIRST_DAY,
    NON_PERFORMING_DPD,
    PRINCIPAL_MULTIPLE_MAX,
    Submission,
)
from exchange.domain.rows.forms import Row

_CURRENT, _OVERDUE, _IDENTITY = Status.CURRENT, Status.OVERDUE, TokenKind.IDENTITY


def is_sound(row: Row, submission: Submission) -> bool:
    """Tell whether a row is plain and has no flaw, not even a warning."""
    status, as_of = row.status, row.as_of
    return (
        (_is_on_time(row) if status is _CURRENT else status is _OVERDUE and _is_late(row, as_of))
        and is_plain(row)
        and FIRST_DAY <= row.opened_on <= as_of <= submission.today
        and submission.as_of_from <= as_of <= submission.as_of_to
        and len(row.tokens) == 1
        and row.tokens[0].kind is _IDENTITY
        and (row.bucket is UNSET or row.bucket == bucket(row.dpd))
        and _is_of_profile(row, submission.profile)
    )


def is_plain(row: Row) -> bool:
    """Tell whether a row speaks of today alone, and of an account that goes on."""
    return (
        not row.history
        and row.pauses == ()
        and row.reason is None
        and row.closed_on is None
        and row.status_on is None
        and row.transfer_id is None
        and row.previous_ref is None
    )


def _is_on_time(row: Row) -> bool:
    return (
        row.dpd == 0
        and row.overdue_minor == 0
        and row.oldest_unpaid_due_on is None
        and row.first_overdue_on is None
    )


def _is_late(row: Row, as_of: date) -> bool:
    due, first, dpd = row.oldest_unpaid_due_on, row.first_overdue_on, row.dpd
    if due is None or first is None:
        return False
    due_day = due.toordinal()
    return (
        0 < dpd == as_of.toordinal() - due_day
        and row.opened_on < first <= as_of
        and first.toordinal() <= due_day + 1
        and 0 < row.overdue_minor <= row.balance_minor
        and row.overdue_minor <= PRINCIPAL_MULTIPLE_MAX * row.principal_minor
        and (
            dpd <= NON_PERFORMING_DPD
            if row.five_class is None
            else row.five_class >= class_floor(_OVERDUE, dpd)
        )
    )


def _is_of_profile(row: Row, profile: Profile) -> bool:
    overdue = row.overdue_minor
    return (
        row.currency == profile.currency
        and (overdue == 0 or overdue >= profile.smallest_overdue_minor)
        and (not row.basis if row.grant else row.basis in profile.contribute_bases)
    )
