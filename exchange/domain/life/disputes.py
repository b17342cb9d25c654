"""Disputes: their causes, states, clocks, and what an answer and its acceptance come to.

In:  what is stored of a dispute, who does what, and the day.
Out: the next state, or a refusal by name.
Not here: who may act (services), what becomes of the record, HTTP, SQL.
Source: 征信业管理条例 art. 25; days and effects by profile; records.md, 10.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from consent.profiles import Profile
from exchange.domain.records import Status

TEXT_CHARACTERS_MAX = 1_000
STATEMENT_CHARACTERS_MAX = 200
REOPEN_DAYS = 30  # own choice


class Cause(StrEnum):
    """Why a record is disputed."""

    NOT_MINE = "NOT_MINE"
    WRONG_AMOUNT = "WRONG_AMOUNT"
    WRONG_DATE = "WRONG_DATE"
    WRONG_STATUS = "WRONG_STATUS"
    ALREADY_PAID = "ALREADY_PAID"
    IDENTITY_THEFT = "IDENTITY_THEFT"
    NO_NOTICE = "NO_NOTICE"
    NO_CONSENT = "NO_CONSENT"
    DUPLICATE = "DUPLICATE"
    OTHER = "OTHER"


class DisputeState(StrEnum):
    """Where a dispute stands."""

    OPEN = "OPEN"
    ANSWERED = "ANSWERED"
    CLOSED = "CLOSED"
    WITHDRAWN = "WITHDRAWN"


class DisputeEvent(StrEnum):
    """What happens to a dispute."""

    OPEN = "open"
    ADD_FACTS = "add_facts"
    ANSWER = "answer"
    CLOSE = "close"
    REOPEN = "reopen"


class Result(StrEnum):
    """What a dispute comes to. A member answers with any of them but the last."""

    ACCURATE = "ACCURATE"
    MODIFIED = "MODIFIED"
    DELETED_ERROR = "DELETED_ERROR"
    DELETED_FRAUD = "DELETED_FRAUD"
    UNRESOLVED = "UNRESOLVED"


ANSWERS = frozenset(Result) - {Result.UNRESOLVED}
DELETING = {
    Result.DELETED_ERROR: Status.DELETED_ERROR,
    Result.DELETED_FRAUD: Status.DELETED_FRAUD,
}
RUNNING = frozenset({DisputeState.OPEN, DisputeState.ANSWERED})

_NEXT = {
    (DisputeState.OPEN, DisputeEvent.ADD_FACTS): DisputeState.OPEN,
    (DisputeState.OPEN, DisputeEvent.ANSWER): DisputeState.ANSWERED,
    (DisputeState.OPEN, DisputeEvent.CLOSE): DisputeState.WITHDRAWN,
    (DisputeState.ANSWERED, DisputeEvent.CLOSE): DisputeState.CLOSED,
    (DisputeState.CLOSED, DisputeEvent.REOPEN): DisputeState.OPEN,
}


def next_state(state: DisputeState, event: DisputeEvent) -> DisputeState | None:
    """Return the state after an event, None where it may not happen."""
    return _NEXT.get((state, event))


def due_date(from_day: date, profile: Profile, *, extended: bool = False) -> date:
    """Return the last day on which the member may answer in time."""
    days = profile.dispute_days + (profile.extension_days if extended else 0)
    return from_day + timedelta(days=days)


def overdue_from(due_on: date, profile: Profile) -> int:
    """Return the first second after the due day, where the profile is at home (unix seconds)."""
    day_after = due_on + timedelta(days=1)
    zone = ZoneInfo(profile.timezone)
    return int(datetime(day_after.year, day_after.month, day_after.day, tzinfo=zone).timestamp())


def days_late(due_on: date, answered_on: date) -> int:
    """Count the days by which an answer came, or has not come, after its day."""
    return max(0, (answered_on - due_on).days)


def outcome(answer: Result, *, agreed: bool) -> Result:
    """Return what a dispute comes to when it is closed.

    ACCURATE without the borrower's agreement stays unresolved: both sides remain on record.
    """
    return Result.UNRESOLVED if answer is Result.ACCURATE and not agreed else answer


def may_reopen(closed_on: date, today: date) -> bool:
    """Tell whether a closed dispute may still be opened again."""
    return (today - closed_on).days <= REOPEN_DAYS


def is_plain(text: str, characters_max: int) -> bool:
    """Tell whether a text is short enough, not blank, and without control characters.

    Line feeds are taken; whatever else does not print could change what a reader sees.
    """
    lines = text.split("\n")
    return (
        1 <= len(text) <= characters_max
        and bool(text.strip())
        and all(line.isprintable() for line in lines)
    )
