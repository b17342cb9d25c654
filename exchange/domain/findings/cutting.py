"""Cut the records of other members down to what one asker may learn: bands, never facts.

In:  the records under the subject's identity tokens, who asks, and what `decide` let it see.
Out: an Answer: outcome, finding, grade, reasons, limits. It is what the receipt shows.
Kept out: lenders, classes, products, accounts, exact sums, counts and days; the asker's own
records; everything deleted, suppressed, unvouched, past its retention, or passed on by sale.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple
from uuid import UUID

import msgspec
from msgspec import UNSET

from consent.decision import Decision, Limit
from consent.profiles import Effect, Profile
from consent.purposes import Detail
from exchange.domain.findings.answers import Answer, Finding, Outcome, VelocityBands
from exchange.domain.grades import NO_DATA_GRADE, Grade, ReasonCode, grade
from exchange.domain.history import levels
from exchange.domain.life.retention import shown_history
from exchange.domain.records import (
    ADVERSE_BY_STATUS,
    DELETED,
    RecordPayload,
    Status,
    Transfer,
    day,
    month,
    month_text,
    today_in,
)

MEMBERS_SHOWN_MIN = 4  # other contributors below which their number is blurred
_LATE_MONTHS = 12
_COUNTS = ("0", "1", "2", "3+")
_LATE_BANDS = ("0", "1", "2", "3-5", "3-5", "3-5", "6+")
_VELOCITY_BANDS = ("0", "1", "2", "3-4", "3-4", *("5-9",) * 5, "10+")
_SINCE_BANDS = ("0-2", "3-5", "6-11", "12-23", "24+")
_SINCE_EDGES = (3, 6, 12, 24)


class HeldRecord(NamedTuple):
    """The current version of one record of the subject, opened."""

    record_id: UUID
    member: str
    disputed: bool
    suppressed: bool
    payload: RecordPayload
    answer_late: bool = False  # the answer to its dispute is overdue


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
    fields = question.decision.fields
    if held:
        measured = _measure(held, profile, today, question.decision.lookback_months)
        outcome = Outcome.ADVERSE if measured.members else Outcome.NO_ADVERSE
        finding = _finding(measured, disputed, _heard(held, question), profile)
    else:
        outcome = Outcome.NO_DATA
        finding = Finding(
            velocity=_velocity(question.velocity) if "velocity" in fields else UNSET,
            dispute=disputed if "dispute" in fields else UNSET,
        )
    limits = _limits(question)
    graded = _grade(outcome, finding, question)
    notes = (
        *((ReasonCode.NO_DATA,) if outcome is Outcome.NO_DATA else ()),
        *((ReasonCode.DISPUTED,) if disputed and "dispute" in fields else ()),
        *((ReasonCode.SHALLOW,) if limits else ()),
    )
    return Answer(
        outcome=outcome,
        reason=question.decision.reason.value,
        finding=finding,
        grade=graded.letter if graded else None,
        reasons=(*(graded.reasons if graded else ()), *notes),
        limits=limits,
    )


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


def _heard(held: Sequence[HeldRecord], question: Question) -> Question:
    """Drop a statement that speaks of a record which does not enter."""
    of = question.statement_of
    if of is None or any(record.record_id == of for record in held):
        return question
    return question._replace(statement=None)


def _usable(record: HeldRecord, today: int, profile: Profile) -> bool:
    payload = record.payload
    if record.suppressed or payload.status in DELETED:
        return False
    if payload.purge_on is not None and payload.purge_on <= today:
        return False
    return not payload.open or today - payload.as_of <= profile.unvouched_days


@dataclass(slots=True)
class _Measures:
    """Running maxima and sums over the records that enter."""

    current: int = 0
    worst: int = 0
    worst_months_ago: int = 0
    late: int = 0  # bit n: late n months ago
    open_overdue: int = 0
    overdue_minor: int = 0
    other_currency: bool = False
    freshest: int = 0  # month


class _Measured(NamedTuple):
    totals: _Measures
    members: int  # that report something adverse


def _measure(held: Sequence[HeldRecord], profile: Profile, today: date, months: int) -> _Measured:
    totals = _Measures()
    members = set()
    this_month = month(today)
    for record in held:
        payload = record.payload
        age = this_month - payload.as_of_month  # -1 where a member's day is ahead of ours
        late = levels(shown_history(payload, profile, today), months - age)
        worst = max(late) if late else 0
        if worst:
            _add_history(totals, late, worst, age)
        if _add_state(totals, payload, profile) or worst >= profile.adverse_bucket_min:
            members.add(record.member)
            _add_amount(totals, payload, profile)
        totals.freshest = max(totals.freshest, payload.as_of_month)
    mask = (1 << min(_LATE_MONTHS, months)) - 1
    totals.late = (totals.late & mask).bit_count()
    return _Measured(totals, len(members))


def _add_history(totals: _Measures, late: bytes, worst: int, age: int) -> None:
    """Add the late months of one record, whose newest character is `age` months old."""
    latest = max(0, late.index(worst) + age)
    if worst > totals.worst or (worst == totals.worst and latest < totals.worst_months_ago):
        totals.worst, totals.worst_months_ago = worst, latest
    for ago, level in enumerate(late[: max(0, _LATE_MONTHS - age)], age):
        if level:
            totals.late |= 1 << max(0, ago)


def _add_state(totals: _Measures, payload: RecordPayload, profile: Profile) -> bool:
    """Add how the account stands; say whether that alone is adverse."""
    if not payload.open:
        return payload.status in ADVERSE_BY_STATUS
    totals.current = max(totals.current, payload.bucket)
    totals.open_overdue += payload.bucket >= 1
    return payload.status in ADVERSE_BY_STATUS or (
        payload.bucket >= profile.adverse_bucket_min
        and payload.overdue_minor >= profile.smallest_overdue_minor
    )


def _add_amount(totals: _Measures, payload: RecordPayload, profile: Profile) -> None:
    if not payload.open or not payload.overdue_minor:
        return
    if payload.currency == profile.currency:
        totals.overdue_minor += payload.overdue_minor
    else:
        totals.other_currency = True


def _finding(measured: _Measured, disputed: bool, question: Question, profile: Profile) -> Finding:
    totals, fields = measured.totals, question.decision.fields
    values = {
        "current_bucket": totals.current,
        "worst_bucket": totals.worst,
        "months_since_worst": _since(totals),
        "late_months": _LATE_BANDS[min(totals.late, 6)],
        "lender_band": _members(measured.members, question.contributors),
        "open_overdue_band": _COUNTS[min(totals.open_overdue, 3)],
        "overdue_amount_band": bisect_right(profile.amount_edges_minor, totals.overdue_minor),
        "freshest_month": month_text(totals.freshest),
        "velocity": _velocity(question.velocity),
        "dispute": disputed,
        "statement": question.statement,
    }
    shown = {name: value for name, value in values.items() if name in fields}
    if "overdue_amount_band" in shown:
        shown["other_currency"] = totals.other_currency
    return msgspec.convert(shown, Finding)


def _since(totals: _Measures) -> str:
    if not totals.worst:
        return "none"
    return _SINCE_BANDS[bisect_right(_SINCE_EDGES, totals.worst_months_ago)]


def _members(members: int, contributors: int) -> str:
    if members and contributors < MEMBERS_SHOWN_MIN:
        return "1+"
    return _COUNTS[min(members, 3)]


def _velocity(counts: Velocity) -> VelocityBands:
    seven, thirty, ninety = (_VELOCITY_BANDS[min(count, 10)] for count in counts)
    return VelocityBands(seven, thirty, ninety)


def _limits(question: Question) -> tuple[str, ...]:
    decision = question.decision
    limits: tuple[str, ...] = decision.limits
    blurred = "lender_band" in decision.fields and question.contributors < MEMBERS_SHOWN_MIN
    return (*limits, "SMALL_CONSORTIUM") if blurred else limits


def _grade(outcome: Outcome, finding: Finding, question: Question) -> Grade | None:
    # Graded are the purposes that show every band: new credit, guarantors, review of one's own.
    decision = question.decision
    if decision.detail is not Detail.BANDS or Limit.PURPOSE in decision.limits:
        return None
    if outcome is Outcome.NO_DATA:
        return Grade(0, NO_DATA_GRADE, ())
    return grade(finding.as_claims())
