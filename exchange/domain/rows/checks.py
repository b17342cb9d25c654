"""Check how the fields of one row agree with each other, the profile, the day and the batch.

In:  a Row of the right form, and the circumstances under which it is submitted.
Out: its flaws; none is the rule. A check that another flaw makes meaningless stays silent.
Not here: the form (reading.py), what is stored (versions.py), grants (a join in the store).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from msgspec import UNSET

from consent.profiles import Profile
from exchange.domain import history
from exchange.domain.queries import TokenKind
from exchange.domain.records import (
    OPEN,
    TERMINAL,
    Status,
    class_floor,
    status_bucket,
)
from exchange.domain.rows.faults import Flaw
from exchange.domain.rows.forms import Pause, Reason, Row

FIRST_DAY = date(1900, 1, 1)
_LAST_YEAR = 2199
_IDENTITY_TOKENS_MAX = 3
NON_PERFORMING_DPD = 90
PRINCIPAL_MULTIPLE_MAX = 3
_DATED = frozenset(
    {
        Status.RESTRUCTURED,
        Status.LITIGATION,
        Status.CHARGED_OFF,
        *TERMINAL,
    }
)  # statuses that need status_on
_PAID = frozenset({Status.GUARANTOR_PAID, Status.ASSET_SETTLED, Status.SETTLED})
_CLEAN = _PAID | {Status.CURRENT}  # dpd 0 and nothing overdue
_LATE = frozenset({Status.OVERDUE, Status.LITIGATION, Status.CHARGED_OFF})  # dpd 1 or more


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """The circumstances of a row: who sends it, when, under which profile, for which days."""

    member: str
    today: date  # in the member's time zone
    submitted_at: int  # unix seconds
    as_of_from: date
    as_of_to: date
    sequence: int  # of the batch
    profile: Profile
    # When each registered notice before a listing was retired, by `id:version`; None where it was
    # not. None in all: nobody here knows the registry.
    templates: Mapping[str, int | None] | None = None


def check_row(row: Row, submission: Submission) -> list[Flaw]:
    """Return everything that is wrong with a row, whatever is stored."""
    flaws: list[Flaw] = []
    paused = _check_pauses(row, flaws) if row.pauses else 0
    _check_tokens(row, flaws)
    _check_as_of(row, submission, flaws)
    _check_dates(row, flaws)
    _check_arrears(row, flaws)
    _check_amounts(row, submission.profile, flaws)
    _check_dpd(row, paused, flaws)
    _check_status(row, flaws)
    _check_history(row, flaws)
    _check_basis(row, submission.profile, flaws)
    _check_reason(row, flaws)
    _check_plausible(row, flaws)
    return flaws


def _check_tokens(row: Row, flaws: list[Flaw]) -> None:
    tokens = row.tokens
    if len(tokens) == 1 and tokens[0].kind is TokenKind.IDENTITY:
        return
    identities = sum(token.kind is TokenKind.IDENTITY for token in tokens)
    ordered = all(token.kind is TokenKind.IDENTITY for token in tokens[:identities])
    counted = 1 <= identities <= _IDENTITY_TOKENS_MAX and len(tokens) - identities <= 1
    if not (ordered and counted and len({token.value for token in tokens}) == len(tokens)):
        flaws.append(Flaw("tokens", "row.token"))


def _check_as_of(row: Row, submission: Submission, flaws: list[Flaw]) -> None:
    if row.as_of > submission.today:
        flaws.append(Flaw("as_of", "row.as_of_future"))
    elif not submission.as_of_from <= row.as_of <= submission.as_of_to:
        flaws.append(Flaw("as_of", "row.date_order"))
    if row.opened_on < FIRST_DAY:  # Every other date lies after it, or is refused.
        flaws.append(Flaw("opened_on", "row.date"))


def _check_dates(row: Row, flaws: list[Flaw]) -> None:
    opened, as_of = row.opened_on, row.as_of
    if opened > as_of:
        flaws.append(Flaw("opened_on", "row.date_order"))
    if row.status_on and not opened <= row.status_on <= as_of:
        flaws.append(Flaw("status_on", "row.date_order"))
    if row.closed_on and (row.status in OPEN or not opened <= row.closed_on <= as_of):
        flaws.append(Flaw("closed_on", "row.date_order"))
    if row.first_overdue_on and not opened <= row.first_overdue_on <= as_of:
        flaws.append(Flaw("first_overdue_on", "row.date_order"))


def _check_arrears(row: Row, flaws: list[Flaw]) -> None:
    """Hold the two dates of an arrear against the status and each other."""
    due, first = row.oldest_unpaid_due_on, row.first_overdue_on
    if due is None:
        if row.dpd or row.overdue_minor:
            flaws.append(Flaw("oldest_unpaid_due_on", "row.date_order"))
    elif due > row.as_of or row.status in _PAID:
        flaws.append(Flaw("oldest_unpaid_due_on", "row.date_order"))
    elif first and first.toordinal() > due.toordinal() + 1:
        flaws.append(Flaw("first_overdue_on", "row.date_order"))
    # Past due, an episode runs; on time, none does.
    if (row.dpd and not first) or (first and row.status is Status.CURRENT):
        flaws.append(Flaw("first_overdue_on", "row.date_order"))


def _check_amounts(row: Row, profile: Profile, flaws: list[Flaw]) -> None:
    if row.currency != profile.currency:
        flaws.append(Flaw("currency", "row.currency"))
    overdue = row.overdue_minor
    settled_apart = (overdue == 0) is not (row.dpd == 0) and row.status is not Status.PAUSED
    if overdue > row.balance_minor or settled_apart:
        flaws.append(Flaw("overdue_minor", "row.amount"))
    elif 0 < overdue < profile.smallest_overdue_minor:
        flaws.append(Flaw("overdue_minor", "row.below_minimum"))


def _check_dpd(row: Row, paused: int, flaws: list[Flaw]) -> None:
    due = row.oldest_unpaid_due_on
    if due is not None and row.dpd != max(0, row.as_of.toordinal() - due.toordinal() - paused):
        flaws.append(Flaw("dpd", "row.dpd_mismatch"))
    if row.bucket is not UNSET and row.bucket != status_bucket(row.status, row.dpd):
        flaws.append(Flaw("bucket", "row.bucket_mismatch"))
    if row.five_class is not None and row.five_class < class_floor(row.status, row.dpd):
        flaws.append(Flaw("five_class", "row.class_below_floor"))


def _check_pauses(row: Row, flaws: list[Flaw]) -> int:
    """Return the paused days after the oldest unpaid due date, up to as_of."""
    pauses = sorted(row.pauses, key=lambda pause: pause.starts)
    orderly = all(
        row.opened_on <= pause.starts <= pause.ends and pause.ends.year <= _LAST_YEAR
        for pause in pauses
    )
    disjoint = all(one.ends < other.starts for one, other in pairwise(pauses))
    if not (orderly and disjoint):
        flaws.append(Flaw("pauses", "row.pause"))
        return 0
    due = row.oldest_unpaid_due_on
    return sum(_days_in(pause, due, row.as_of) for pause in pauses) if due else 0


def _days_in(pause: Pause, after: date, through: date) -> int:
    first = max(pause.starts.toordinal(), after.toordinal() + 1)
    return max(0, min(pause.ends, through).toordinal() - first + 1)


def _check_status(row: Row, flaws: list[Flaw]) -> None:
    status = row.status
    if status in (Status.DELETED_ERROR, Status.DELETED_FRAUD):
        flaws.append(Flaw("status", "row.code"))  # A deletion is an op of its own.
        return
    if status in _CLEAN and (row.dpd or row.overdue_minor):
        flaws.append(Flaw("dpd" if row.dpd else "overdue_minor", "row.status_fields"))
    elif status in _LATE and not (row.dpd and row.overdue_minor):
        flaws.append(Flaw("overdue_minor" if row.dpd else "dpd", "row.status_fields"))
    if status in _PAID and row.balance_minor:
        flaws.append(Flaw("balance_minor", "row.status_fields"))
    if status in _DATED:
        _check_dated(row, flaws)
    elif status is Status.PAUSED and not any(
        pause.starts <= row.as_of <= pause.ends for pause in row.pauses
    ):
        flaws.append(Flaw("pauses", "row.status_fields"))


def _check_dated(row: Row, flaws: list[Flaw]) -> None:
    if row.status_on is None:
        flaws.append(Flaw("status_on", "row.status_fields"))
    elif row.status in TERMINAL and row.closed_on != row.status_on:
        flaws.append(Flaw("closed_on", "row.status_fields"))


def _check_history(row: Row, flaws: list[Flaw]) -> None:
    told = row.history
    if not told or row.opened_on > row.as_of:
        return
    if (
        len(told) > history.length_max(row.opened_on, row.as_of)
        or told[0] not in history.state_now(row.status, row.dpd)
        or not history.is_possible(told)
    ):
        flaws.append(Flaw("history", "row.history_form"))


def _check_basis(row: Row, profile: Profile, flaws: list[Flaw]) -> None:
    if row.grant and row.basis:
        flaws.append(Flaw("basis", "row.shape"))
    elif row.basis and row.basis not in profile.contribute_bases:
        flaws.append(Flaw("basis", "row.code"))
    elif not row.grant and not row.basis:
        flaws.append(Flaw("grant", "row.grant_missing"))


def _check_reason(row: Row, flaws: list[Flaw]) -> None:
    renumbered = row.reason is Reason.RENUMBER
    if renumbered is not (row.previous_ref is not None) or row.previous_ref == row.account_ref:
        flaws.append(Flaw("previous_ref", "row.reason"))
    if row.status is Status.SOLD or row.reason is Reason.TRANSFER_IN:
        if row.transfer_id is None:
            flaws.append(Flaw("transfer_id", "row.transfer"))
    elif row.transfer_id is not None and row.reason is not Reason.AMEND:
        flaws.append(Flaw("transfer_id", "row.transfer"))


def _check_plausible(row: Row, flaws: list[Flaw]) -> None:
    if not row.dpd:
        return
    if row.overdue_minor > PRINCIPAL_MULTIPLE_MAX * row.principal_minor:
        flaws.append(Flaw("overdue_minor", "plaus.overdue_over_3x_principal"))
    if row.first_overdue_on == row.opened_on:
        flaws.append(Flaw("first_overdue_on", "plaus.overdue_on_opening_day"))
    if row.five_class is None and row.dpd > NON_PERFORMING_DPD:
        flaws.append(Flaw("five_class", "plaus.class_stale"))
