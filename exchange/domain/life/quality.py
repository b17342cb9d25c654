"""The data-quality index of a member, its class, what it contributes, and from when a change holds.

In:  counts over the last 90 days.
Out: six parts of 0 to 100, their weighted index rounded half to even, and the two classes.
Not here: what a class earns (consent/reciprocity), SQL. Source: own; records.md, 13.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from consent.reciprocity import Contribution, Quality
from exchange.domain.records import later

PERIOD_DAYS = 90
WINDOW_DAYS = 31  # a delivery is due in each
NEW_DAYS = 60
ANNOUNCE_DAYS = 30
_GOOD, _FAIR = 90, 75
_DISPUTES_ADDED = 20  # so that one lost dispute does not judge a small member
_WEIGHTS = {
    "timely": Fraction(25, 100),
    "valid": Fraction(20, 100),
    "complete": Fraction(20, 100),
    "fresh": Fraction(15, 100),
    "plausible": Fraction(10, 100),
    "upheld": Fraction(10, 100),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """What a member did in the last 90 days, and how its book stands."""

    age_days: int  # since it was enrolled
    deliveries_due: int  # whole windows of 31 days
    deliveries: int  # of them, those in which something was reported
    rows: int  # of finished files
    rejected: int
    warned: int
    open_records: int
    fresh_records: int  # open, and told anew within 31 days
    clean_records: int  # open and not overdue
    absent: int  # open accounts that the last full file did not mention
    disputes_ended: int
    disputes_lost: int  # of them: corrected or deleted
    reported_days_ago: int | None  # since the last delivery; None: never


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """The six parts and their index, each 0 to 100."""

    timely: int
    valid: int
    complete: int
    fresh: int
    plausible: int
    upheld: int
    dqi: int


def index_of(measures: Measures) -> Index:
    """Return the parts, rounded for show, and the index, rounded once from the exact parts."""
    exact = {
        "timely": _share(measures.deliveries, measures.deliveries_due),
        "valid": 100 - _share(measures.rejected, measures.rows, empty=0),
        "complete": 100 - _share(measures.absent, measures.open_records, empty=0),
        "fresh": _share(measures.fresh_records, measures.open_records),
        "plausible": 100 - _share(measures.warned, measures.rows, empty=0),
        "upheld": 100
        - _share(measures.disputes_lost, measures.disputes_ended + _DISPUTES_ADDED, empty=0),
    }
    # round() of a Fraction is half to even.
    parts = {name: round(part) for name, part in exact.items()}
    dqi = round(sum((_WEIGHTS[name] * part for name, part in exact.items()), Fraction()))
    return Index(**parts, dqi=dqi)


def quality_of(dqi: int, age_days: int) -> Quality:
    """Return the class of an index; a member of less than 60 days is new."""
    if age_days < NEW_DAYS:
        return Quality.NEW
    if dqi >= _GOOD:
        return Quality.GOOD
    return Quality.FAIR if dqi >= _FAIR else Quality.POOR


def contribution_of(measures: Measures) -> Contribution:
    """Return what a member contributes: a book in which nothing is on time is no whole book.

    Own choice: half of the open accounts, at least, are on time in any lender's whole book.
    """
    silent = measures.reported_days_ago is None or measures.reported_days_ago > NEW_DAYS
    if silent or not measures.open_records:
        return Contribution.NONE
    whole = 2 * measures.clean_records >= measures.open_records
    return Contribution.FULL_BOOK if whole else Contribution.ADVERSE_ONLY


def effective_date(announced_on: date) -> date:
    """Return the day from which an announced change holds: a 1st, 30 days away or more."""
    earliest = announced_on + timedelta(days=ANNOUNCE_DAYS)
    return earliest if earliest.day == 1 else later(earliest.replace(day=1), 1)


def _share(part: int, whole: int, *, empty: int = 100) -> Fraction:
    """Return a share in hundredths, within 0 and 100; `empty` where there is no whole."""
    return Fraction(100 * min(part, whole), whole) if whole else Fraction(empty)
