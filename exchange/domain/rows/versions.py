"""The version that a row makes of a record.

In:  a row that passed every check, and the payload of the version before it, if any.
Out: the payload to seal as the next one. Versions append: nothing stored is overwritten.
Not here: SQL, sealing, grants, checks.
"""

from __future__ import annotations

import hashlib
from datetime import date
from uuid import UUID

import msgspec

from exchange.domain import history
from exchange.domain.records import (
    PAYLOAD_FORM,
    TERMINAL,
    Episode,
    RecordPayload,
    SealedNotice,
    SealedPause,
    Status,
    Transfer,
    bucket,
    date_of,
    day,
    month,
    purge_date,
    status_bucket,
)
from exchange.domain.rows.checks import Submission
from exchange.domain.rows.forms import DeleteReason, Deletion, Reason, Row
from exchange.domain.rows.plain import is_plain

_ENCODER = msgspec.msgpack.Encoder()
_OPEN_AND_PLAIN = (Status.CURRENT, Status.OVERDUE)


def row_digest(row: Row) -> bytes:
    """Return 16 bytes that two rows share only if they say the same."""
    return hashlib.sha256(_ENCODER.encode(row)).digest()[:16]


def next_payload(row: Row, kept: RecordPayload | None, submission: Submission) -> RecordPayload:
    """Make the payload of the version that this row writes.

    Args:
        kept: the stored payload that it continues; None for a new record.
    """
    if kept is None and row.status in _OPEN_AND_PLAIN and is_plain(row):
        return first_payload(row, submission)
    told = _history(row, kept, submission)
    episode = _episode(row, kept, told)
    purge_on = purge_date(episode, row.closed_on, submission.profile)
    came_by = _came_by(row, kept)
    return RecordPayload(
        form=PAYLOAD_FORM,
        as_of=day(row.as_of),
        as_of_month=month(row.as_of),
        status=row.status,
        dpd=row.dpd,
        bucket=status_bucket(row.status, row.dpd),
        overdue_minor=row.overdue_minor,
        balance_minor=row.balance_minor,
        principal_minor=row.principal_minor,
        currency=row.currency,
        history=told,
        product=row.product,
        role=row.role,
        opened_on=day(row.opened_on),
        closed_on=optional_day(row.closed_on),
        status_on=optional_day(row.status_on),
        oldest_unpaid_due_on=optional_day(row.oldest_unpaid_due_on),
        first_overdue_on=optional_day(episode.first_overdue_on) if episode else None,
        ended_on=optional_day(episode.ended_on) if episode else None,
        purge_on=optional_day(purge_on),
        five_class=row.five_class,
        transfer=_transfer(row, came_by),
        transfer_id=_id(row.transfer_id) if row.status is Status.SOLD else came_by,
        pauses=tuple(SealedPause(day(p.starts), day(p.ends), p.cause) for p in row.pauses),
        notice=_notice(row, kept),
        basis=row.basis,
        same_dpd=same_dpd(row, kept),
        digest=row_digest(row),
        came_by=came_by,
    )


def first_payload(row: Row, submission: Submission) -> RecordPayload:
    """Make the first payload of an account that a plain row opens: nothing is carried on."""
    as_of, first, dpd = row.as_of, row.first_overdue_on, row.dpd
    purge_on = None
    if first:
        episode = Episode(first_overdue_on=first, ended_on=None)
        purge_on = purge_date(episode, None, submission.profile)
    # By position, in the order of its fields: names cost as much as the rest of it.
    return RecordPayload(
        PAYLOAD_FORM,
        day(as_of),
        month(as_of),
        row.status,
        dpd,
        bucket(dpd),
        row.overdue_minor,
        row.balance_minor,
        row.principal_minor,
        row.currency,
        history.state_now(row.status, dpd)[0],
        row.product,
        row.role,
        day(row.opened_on),
        None,  # closed_on
        None,  # status_on
        optional_day(row.oldest_unpaid_due_on),
        optional_day(first),
        None,  # ended_on
        optional_day(purge_on),
        row.five_class,
        Transfer.NONE,
        None,  # transfer_id
        (),  # pauses
        _notice(row, None),
        row.basis,
        1,  # same_dpd
        row_digest(row),
    )


def deleted_payload(deletion: Deletion, kept: RecordPayload) -> RecordPayload:
    """Make the payload of a deletion: nothing of what was said stays in it."""
    fraud = deletion.reason is DeleteReason.DELETE_FRAUD
    return msgspec.structs.replace(
        kept,
        as_of=day(deletion.as_of),
        as_of_month=month(deletion.as_of),
        status=Status.DELETED_FRAUD if fraud else Status.DELETED_ERROR,
        dpd=0,
        bucket=0,
        overdue_minor=0,
        balance_minor=0,
        principal_minor=0,
        history=history.UNKNOWN,
        closed_on=None,
        status_on=None,
        oldest_unpaid_due_on=None,
        first_overdue_on=None,
        ended_on=None,
        purge_on=day(deletion.as_of),
        five_class=None,
        transfer=Transfer.NONE,
        transfer_id=None,
        pauses=(),
        notice=None,
        digest=b"",
        came_by=None,
    )


def tells_the_same(payload: RecordPayload, kept: RecordPayload) -> bool:
    """Tell whether two versions say the same of an account, whatever rows and grounds made them."""
    grounds = ("digest", "same_dpd", "notice", "basis")
    taken_over = {name: getattr(kept, name) for name in grounds}
    return msgspec.structs.replace(payload, **taken_over) == kept


def state_of(row: Row, kept: RecordPayload | None) -> str:
    """Return the history character of the row's own state."""
    if row.history:
        return row.history[0]
    states = history.state_now(row.status, row.dpd)
    if kept is None:
        return states[0]
    before = kept.history[0]
    if before == "B" and "B" in states:
        return "B"
    same_month = month(row.as_of) == kept.as_of_month
    late_before = same_month and before in history.LATE_WITHIN_MONTH
    return "M" if late_before and "M" in states else states[0]


def _history(row: Row, kept: RecordPayload | None, submission: Submission) -> str:
    state = state_of(row, kept)
    if kept is None:
        return row.history or state
    grow = history.amend_history if row.reason is Reason.AMEND else history.extend_history
    known = grow(kept.history, date_of(kept.as_of), row.history, row.as_of, state)
    if kept.ended_on is None:
        return known
    ended_on = date_of(kept.ended_on)
    episode = Episode(first_overdue_on=_date(kept.first_overdue_on), ended_on=ended_on)
    over = episode.purge_on(submission.profile)
    if over is None or over > submission.today:
        return known
    return history.hidden(known, month(row.as_of), month(ended_on))


def _episode(row: Row, kept: RecordPayload | None, told: str) -> Episode | None:
    """Return the episode that runs after this row, or the last one that ended."""
    ends = row.status is Status.CURRENT or row.status in TERMINAL
    if row.first_overdue_on and not ends:
        return Episode(first_overdue_on=row.first_overdue_on, ended_on=None)
    late = history.levels(told, len(told))
    before = _episode_before(row, kept, traced=bool(late))
    first = row.first_overdue_on
    if before and (first is None or first == before.first_overdue_on):
        ended_on = before.ended_on or row.status_on or row.as_of
        return Episode(first_overdue_on=before.first_overdue_on, ended_on=ended_on)
    if first:  # Another one, which this row alone tells of and ends: sold in its first month.
        return Episode(first_overdue_on=first, ended_on=row.status_on or row.as_of)
    if not late:
        return None  # No trace is left of one: never adverse, or amended away.
    newest_late = next(k for k, level in enumerate(late) if level)
    return Episode(first_overdue_on=None, ended_on=_month_end(row.as_of, newest_late))


def _episode_before(row: Row, kept: RecordPayload | None, *, traced: bool) -> Episode | None:
    """Return the stored episode, unless this row amends it away.

    An arrear that began and ended within one month leaves no late month in the history, and was
    one all the same: its retention runs. Only a correction can say that there was none: of the
    state that was late, or of the whole history.

    Args:
        traced: the history still tells of a late month.
    """
    if kept is None or (kept.first_overdue_on is None and kept.ended_on is None):
        return None
    corrects = row.reason is Reason.AMEND and (kept.ended_on is None or bool(row.history))
    if corrects and not traced:
        return None
    return Episode(first_overdue_on=_date(kept.first_overdue_on), ended_on=_date(kept.ended_on))


def _month_end(as_of: date, months_before: int) -> date:
    """Return the last day of a month before as_of's, and as_of itself for its own month."""
    if months_before == 0:
        return as_of
    year, rest = divmod(month(as_of) - months_before + 1, 12)
    return date.fromordinal(date(year, rest + 1, 1).toordinal() - 1)


def _transfer(row: Row, came_by: bytes | None) -> Transfer:
    if row.status is Status.SOLD:
        return Transfer.OUT
    return Transfer.NONE if came_by is None else Transfer.IN


def _came_by(row: Row, kept: RecordPayload | None) -> bytes | None:
    """Return the transfer by which the account was bought, which an AMEND may correct."""
    if row.reason is Reason.TRANSFER_IN:
        return _id(row.transfer_id)
    before = kept.arrived_by if kept else None
    corrects = before and row.transfer_id and row.status is not Status.SOLD
    return _id(row.transfer_id) if corrects else before


def _id(text: str | None) -> bytes | None:
    return UUID(text).bytes if text else None


def _notice(row: Row, kept: RecordPayload | None) -> SealedNotice | None:
    if told := row.notice:
        return SealedNotice(told.sent_at, told.channel, told.template, told.delivery, told.ground)
    return kept.notice if kept else None


def same_dpd(row: Row, kept: RecordPayload | None) -> int:
    """Count the reports in a row, this one included, that tell this dpd."""
    if kept is None or row.dpd != kept.dpd:
        return 1
    return kept.same_dpd + (day(row.as_of) > kept.as_of)


def optional_day(when: date | None) -> int | None:
    """Count the days from 1970-01-01, where there is a date."""
    return None if when is None else day(when)


def _date(days: int | None) -> date | None:
    return None if days is None else date_of(days)
