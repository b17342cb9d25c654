"""What a row may change of the stored record.

In:  a row that passed `check_row`, and the last version stored of its account, if any.
Out: its flaws against that version.
Not here: SQL, grants, what becomes of the row (versions.py).
"""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from exchange.domain import history
from exchange.domain.records import (
    BEFORE,
    DELETED,
    TERMINAL,
    RecordPayload,
    Status,
    date_of,
    day,
)
from exchange.domain.rows.checks import Submission
from exchange.domain.rows.faults import Flaw
from exchange.domain.rows.forms import Deletion, Reason, Row
from exchange.domain.rows.notices import check_notice
from exchange.domain.rows.versions import optional_day, same_dpd, state_of

_SAME_DPD_REPORTS = 3
_REOPENED_DAYS = 7
_AFTER_CHARGE_OFF = "BDZGC"


class StoredRecord(NamedTuple):
    """The last version stored of an account."""

    record_id: UUID
    version: int
    sequence: int  # of the batch that wrote it
    epoch: str
    subject: bytes  # index of the primary identity token in that epoch
    payload: RecordPayload


def check_against_stored(
    row: Row, subject: bytes, epoch: str, stored: StoredRecord | None, submission: Submission
) -> list[Flaw]:
    """Return what is wrong with a row beside the last version stored of its account.

    Args:
        subject: index of the row's primary identity token in `epoch`.
        stored: what the row continues; for RENUMBER, the version under `previous_ref`.
    """
    kept = stored.payload if stored else None
    if stored is None or kept is None or kept.status is Status.DELETED_ERROR:
        return _check_first(row, submission)
    if kept.status is Status.DELETED_FRAUD:
        return [Flaw("account_ref", "row.after_fraud_delete")]
    if submission.sequence < stored.sequence:
        return [Flaw("account_ref", "row.superseded")]
    if stored.epoch == epoch and stored.subject != subject:
        return [Flaw("tokens", "row.subject_changed")]
    if row.reason is Reason.TRANSFER_IN:
        return [Flaw("reason", "row.reason")]
    if row.reason is Reason.AMEND:
        return check_notice(row, kept, submission)
    if day(row.as_of) < kept.as_of:
        return [Flaw("as_of", "row.as_of_backwards")]
    flaws = _check_step(row, kept)
    flaws += check_notice(row, kept, submission)
    flaws += _check_plausible(row, kept)
    return flaws


def check_opening(row: Row, submission: Submission) -> list[Flaw]:
    """Return what is wrong with a plain and sound row whose account nobody has spoken of.

    The short way of `check_against_stored`: only the notice of an arrear can be amiss.
    """
    return check_notice(row, None, submission) if row.dpd else []


def check_deletion(
    deletion: Deletion, stored: StoredRecord | None, submission: Submission
) -> list[Flaw]:
    """Return what stands against a deletion."""
    if deletion.as_of > submission.today:
        return [Flaw("as_of", "row.as_of_future")]
    if not submission.as_of_from <= deletion.as_of <= submission.as_of_to:
        return [Flaw("as_of", "row.date_order")]
    if stored is None or stored.payload.status in DELETED:
        return [Flaw("account_ref", "row.status_transition")]
    if submission.sequence < stored.sequence:
        return [Flaw("account_ref", "row.superseded")]
    return []


def _check_first(row: Row, submission: Submission) -> list[Flaw]:
    if row.reason in (Reason.AMEND, Reason.RENUMBER):
        return [Flaw("reason", "row.reason")]
    if None not in BEFORE[row.status]:
        return [Flaw("status", "row.status_transition")]
    return check_notice(row, None, submission)


def _check_step(row: Row, kept: RecordPayload) -> list[Flaw]:
    flaws = []
    written_off = kept.history.startswith("B")
    returns = written_off and state_of(row, kept) not in _AFTER_CHARGE_OFF
    if returns or kept.status not in BEFORE[row.status]:
        flaws.append(Flaw("status", "row.status_transition"))
    if not _same_episode(row, kept):
        flaws.append(Flaw("first_overdue_on", "row.first_overdue_changed"))
    if row.history and not _agrees(row, kept):
        flaws.append(Flaw("history", "row.history_conflict"))
    if kept.pauses and not _pauses_kept(row, kept):
        flaws.append(Flaw("pauses", "row.pause"))
    return flaws


def _same_episode(row: Row, kept: RecordPayload) -> bool:
    first = optional_day(row.first_overdue_on)
    if kept.episode_runs:
        ends = row.status is Status.CURRENT or row.status in TERMINAL
        return first == kept.first_overdue_on or (first is None and ends)
    # Whoever was on time at the stored day cannot have been overdue before it.
    return first is None or kept.status is not Status.CURRENT or first > kept.as_of


def _agrees(row: Row, kept: RecordPayload) -> bool:
    try:
        history.extend_history(
            kept.history, date_of(kept.as_of), row.history, row.as_of, state_of(row, kept)
        )
    except history.HistoryConflict:
        return False
    return True


def _pauses_kept(row: Row, kept: RecordPayload) -> bool:
    """Tell whether pauses that were over at the stored day are told as before."""
    told = {(day(pause.starts), day(pause.ends), pause.cause.value) for pause in row.pauses}
    due = day(row.oldest_unpaid_due_on or row.as_of)
    for pause in kept.pauses:
        if pause.ends >= kept.as_of or (pause.starts, pause.ends, pause.cause) in told:
            continue
        changed = any(starts <= pause.ends and pause.starts <= ends for starts, ends, _ in told)
        if changed or pause.ends > due:
            return False
    return True


def _check_plausible(row: Row, kept: RecordPayload) -> list[Flaw]:
    flaws = []
    if row.dpd - kept.dpd > day(row.as_of) - kept.as_of:
        flaws.append(Flaw("dpd", "plaus.dpd_jump"))
    if row.dpd and row.status is not Status.PAUSED and same_dpd(row, kept) >= _SAME_DPD_REPORTS:
        flaws.append(Flaw("dpd", "plaus.stuck"))
    first, ended = row.first_overdue_on, kept.ended_on
    if first and ended is not None and 0 <= day(first) - ended <= _REOPENED_DAYS:
        flaws.append(Flaw("first_overdue_on", "plaus.reopened_within_7_days"))
    return flaws
