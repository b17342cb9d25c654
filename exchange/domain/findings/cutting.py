"""Cut the records of other members down to what one asker may learn: bands, never facts.

In:  the records under the subject's identity tokens, who asks, and what `decide` let it see.
Out: an Answer: outcome, finding, grade, reasons, limits. It is what the receipt shows.
Kept out: lenders, classes, products, accounts, exact sums, counts and days; the asker's own
records; everything deleted, suppressed, unvouched, past its retention, or passed on by sale.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

import msgspec
from msgspec import UNSET

from consent.decision import Decision, Limit, Reason
from consent.profiles import Effect, Profile
from consent.purposes import Detail
from exchange.domain.findings.answers import Answer, Finding, Outcome, VelocityBands
from exchange.domain.findings.banding import MEMBERS_SHOWN_MIN, Bands, HeldRecord, Scope, bands_of
from exchange.domain.grades import NO_DATA_GRADE, Grade, ReasonCode, grade
from exchange.domain.records import (
    DELETED,
    Status,
    Transfer,
    day,
    month_text,
    today_in,
)

_ANSWERS_KEPT = 16_384  # distinct ones, without a word of a borrower's: a few megabytes
_VELOCITY_BANDS = ("0", "1", "2", "3-4", "3-4", *("5-9",) * 5, "10+")


class Velocity(NamedTuple):
    """How many other members asked about new credit for the subject lately."""

    days_7: int
    days_30: int
    days_90: int


class Question(NamedTuple):
    """One permitted look: who asks, and what stands around the records."""

    asker: str
    decision: Decision  # what the look may see: detail, fields, months, limits
    velocity: Velocity
    contributors: int  # other members that contribute
    now: int  # unix seconds
    statement: str | None = None  # newest of the borrower
    statement_of: UUID | None = None  # the record it speaks of; None: the subject as a whole


def cut(records: Sequence[HeldRecord], question: Question, profile: Profile) -> Answer:
    """Answer a permitted look from the records of others."""
    today = today_in(profile.timezone, question.now)
    held, disputed = _elsewhere(question.asker, records, profile, today)
    decision = question.decision
    scope = Scope(decision.lookback_months, question.contributors)
    said = _heard(held, question)
    seen = _Seen(
        bands=bands_of(held, profile, today, scope) if held else None,
        velocity=_velocity(question.velocity),
        disputed=disputed,
        statement=said,
        reason=decision.reason,
        detail=decision.detail,
        fields=decision.fields,
        limits=_limits(question),
    )
    return _tell(seen) if said is None else _answer(seen)  # Words are never kept in memory.


class _Seen(NamedTuple):
    """All that an answer depends on."""

    bands: Bands | None  # None where no record enters
    velocity: tuple[str, ...]
    disputed: bool
    statement: str | None
    reason: Reason
    detail: Detail
    fields: frozenset[str]
    limits: tuple[str, ...]


def _answer(seen: _Seen) -> Answer:
    """Say what was seen, as far as its purpose may see it."""
    bands, fields = seen.bands, seen.fields
    if bands:
        outcome = Outcome.ADVERSE if bands.adverse else Outcome.NO_ADVERSE
        finding = _finding(bands, seen)
    else:
        outcome = Outcome.NO_DATA
        finding = Finding(
            velocity=VelocityBands(*seen.velocity) if "velocity" in fields else UNSET,
            dispute=seen.disputed if "dispute" in fields else UNSET,
        )
    graded = _grade(outcome, finding, seen)
    notes = (
        *((ReasonCode.NO_DATA,) if outcome is Outcome.NO_DATA else ()),
        *((ReasonCode.DISPUTED,) if seen.disputed and "dispute" in fields else ()),
        *((ReasonCode.SHALLOW,) if seen.limits else ()),
    )
    return Answer(
        outcome=outcome,
        reason=seen.reason.value,
        finding=finding,
        grade=graded.letter if graded else None,
        reasons=(*(graded.reasons if graded else ()), *notes),
        limits=seen.limits,
    )


_tell = lru_cache(maxsize=_ANSWERS_KEPT)(_answer)


def _elsewhere(
    asker: str, records: Sequence[HeldRecord], profile: Profile, today: date
) -> tuple[list[HeldRecord], bool]:
    """Choose the records that enter, each once; say whether one is disputed, in or kept out."""
    if not records:
        return [], False
    usable = {
        record.record_id: record for record in records if _usable(record, day(today), profile)
    }
    others = [record for record in usable.values() if record.member != asker]
    if any(record.payload.status is Status.SOLD for record in others):
        others = _not_passed_on(others, usable.values())
    if not any(record.disputed for record in others):
        return others, False
    # What must count as deleted while its answer is overdue leaves no flag behind either.
    gone = profile.overdue_effect is Effect.DELETE
    disputed = any(one.disputed and not (gone and one.answer_late) for one in others)
    withheld = profile.dispute_effect is Effect.WITHHOLD
    return [one for one in others if not (one.disputed and (withheld or one.answer_late))], disputed


def _not_passed_on(records: Iterable[HeldRecord], usable: Iterable[HeldRecord]) -> list[HeldRecord]:
    """Keep what was not sold: that enters as the buyer tells it, or whoever bought it from him."""
    arrived = {
        record.payload.arrived_by
        for record in usable
        if record.payload.transfer is Transfer.IN or record.payload.came_by
    }
    return [
        record
        for record in records
        if not (record.payload.status is Status.SOLD and record.payload.transfer_id in arrived)
    ]


def _heard(held: Sequence[HeldRecord], question: Question) -> str | None:
    """Return the statement, unless it speaks of a record which does not enter."""
    of = question.statement_of
    if not held or (of is not None and all(record.record_id != of for record in held)):
        return None
    return question.statement


def _usable(record: HeldRecord, today: int, profile: Profile) -> bool:
    payload = record.payload
    if record.suppressed or payload.status in DELETED:
        return False
    if payload.purge_on is not None and payload.purge_on <= today:
        return False
    return not payload.open or today - payload.as_of <= profile.unvouched_days


def _finding(bands: Bands, seen: _Seen) -> Finding:
    values = {
        **bands._asdict(),
        "freshest_month": month_text(bands.freshest),
        "velocity": VelocityBands(*seen.velocity),
        "dispute": seen.disputed,
        "statement": seen.statement,
    }
    shown = {name: value for name, value in values.items() if name in seen.fields}
    if "overdue_amount_band" in shown:
        shown["other_currency"] = bands.other_currency
    return msgspec.convert(shown, Finding)


def _velocity(counts: Velocity) -> tuple[str, ...]:
    return tuple([_VELOCITY_BANDS[min(count, 10)] for count in counts])


def _limits(question: Question) -> tuple[str, ...]:
    decision = question.decision
    limits: tuple[str, ...] = decision.limits
    blurred = "lender_band" in decision.fields and question.contributors < MEMBERS_SHOWN_MIN
    return (*limits, "SMALL_CONSORTIUM") if blurred else limits


def _grade(outcome: Outcome, finding: Finding, seen: _Seen) -> Grade | None:
    # Graded are the purposes that show every band: new credit, guarantors, review of one's own.
    if seen.detail is not Detail.BANDS or Limit.PURPOSE in seen.limits:
        return None
    if outcome is Outcome.NO_DATA:
        return Grade(0, NO_DATA_GRADE, ())
    return grade(finding.as_claims())
