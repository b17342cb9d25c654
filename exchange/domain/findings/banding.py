"""Measure the records that enter an answer, and tell them in bands.

In:  the records of others that enter, the profile, today.
Out: bands: few values each, whatever the records say.
Not here: which records enter, and which bands a purpose may see (cutting.py).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple
from uuid import UUID

from consent.profiles import Profile
from exchange.domain.history import levels
from exchange.domain.life.retention import shown_history
from exchange.domain.records import ADVERSE_BY_STATUS, RecordPayload, month

MEMBERS_SHOWN_MIN = 4  # other contributors below which their number is blurred
_LATE_MONTHS = 12
_COUNTS = ("0", "1", "2", "3+")
_LATE_BANDS = ("0", "1", "2", "3-5", "3-5", "3-5", "6+")
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


class Bands(NamedTuple):
    """What records may tell, in bands already: few values each, so that the same recur."""

    adverse: bool
    current_bucket: int
    worst_bucket: int
    months_since_worst: str
    late_months: str
    lender_band: str
    open_overdue_band: str
    overdue_amount_band: int
    other_currency: bool
    freshest: int  # month


class Scope(NamedTuple):
    """How much of the records is told."""

    months: int  # that the look may go back
    contributors: int  # other members that contribute


def bands_of(held: Sequence[HeldRecord], profile: Profile, today: date, scope: Scope) -> Bands:
    """Tell these records in bands."""
    totals, members = _measure(held, profile, today, scope.months)
    return Bands(
        adverse=members > 0,
        current_bucket=totals.current,
        worst_bucket=totals.worst,
        months_since_worst=_since(totals),
        late_months=_LATE_BANDS[min(totals.late, 6)],
        lender_band=_members(members, scope.contributors),
        open_overdue_band=_COUNTS[min(totals.open_overdue, 3)],
        overdue_amount_band=bisect_right(profile.amount_edges_minor, totals.overdue_minor),
        other_currency=totals.other_currency,
        freshest=totals.freshest,
    )


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


def _since(totals: _Measures) -> str:
    if not totals.worst:
        return "none"
    return _SINCE_BANDS[bisect_right(_SINCE_EDGES, totals.worst_months_ago)]


def _members(members: int, contributors: int) -> str:
    if members and contributors < MEMBERS_SHOWN_MIN:
        return "1+"
    return _COUNTS[min(members, 3)]
