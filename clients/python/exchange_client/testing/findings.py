"""What the fake finds: the formulas of the record rules, for rows held in memory.

A third writing of the same rules, small and slow, tied to the exchange's by one contract suite.
Source: the record rules, section "Finding and answer".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

LOOKBACK_MONTHS: Final = 24
AMOUNT_EDGES: Final = (100, 100_000, 500_000, 2_000_000, 5_000_000)  # minor units, CNY
SMALL_CONSORTIUM: Final = 4  # fewer other contributors than this: lenders are not counted
OPEN: Final = frozenset(
    {"CURRENT", "OVERDUE", "PAUSED", "RESTRUCTURED", "LITIGATION", "CHARGED_OFF"}
)
ADVERSE: Final = frozenset({"CHARGED_OFF", "GUARANTOR_PAID", "ASSET_SETTLED"})
STATE_OF: Final = {
    "CHARGED_OFF": "B",
    "GUARANTOR_PAID": "D",
    "ASSET_SETTLED": "Z",
    "SETTLED": "C",
    "SOLD": "G",
}


@dataclass(slots=True, kw_only=True)
class Held:
    """One account of one member as the fake holds it: its last row and the months known."""

    member: str
    row: Mapping[str, object]
    months: dict[int, str] = field(default_factory=dict)  # month number -> history character
    disputed: bool = False

    def learn(self, row: Mapping[str, object]) -> None:
        """Take a row as the newest statement."""
        self.row = row
        newest = month_of(str(row["as_of"]))
        for back, state in enumerate(str(row.get("history") or "")):
            if state not in "#/":
                self.months[newest - back] = state
        bucket = bucket_of(row)
        self.months[newest] = STATE_OF.get(str(row["status"]), str(bucket) if bucket else "N")

    @property
    def is_open(self) -> bool:
        """Whether the account is open."""
        return self.row["status"] in OPEN

    @property
    def adverse(self) -> bool:
        """Whether the newest row itself is adverse."""
        overdue = bucket_of(self.row) >= 1 and number(self.row, "overdue_minor") > 0
        return (self.is_open and overdue) or self.row["status"] in ADVERSE


def find(held: Sequence[Held], contributors: int, today: date) -> dict[str, object]:
    """Return the bands over other members' accounts; what is said of them the caller adds."""
    now = today.year * 12 + today.month - 1
    looked = range(now - LOOKBACK_MONTHS + 1, now + 1)
    heights = {m: max((_height(one.months.get(m)) for one in held), default=0) for m in looked}
    worst = max(heights.values())
    since = now - max(m for m in looked if heights[m] == worst)
    late = sum(heights[m] >= 1 for m in looked if m > now - 12)
    is_open = [one for one in held if one.is_open]
    lenders = {one.member for one in held if one.adverse or _was_late(one, looked)}
    amount = sum(number(one.row, "overdue_minor") for one in is_open if one.adverse)
    return {
        "current_bucket": max((bucket_of(one.row) for one in is_open), default=0),
        "worst_bucket": worst,
        "months_since_worst": _band(since, (3, 6, 12, 24), _SINCE) if worst else "none",
        "late_months": _band(late, (1, 2, 3, 6), ("0", "1", "2", "3-5", "6+")),
        "lender_band": _lenders(len(lenders), contributors),
        "open_overdue_band": _count(sum(bucket_of(one.row) >= 1 for one in is_open)),
        "overdue_amount_band": sum(amount >= edge for edge in AMOUNT_EDGES),
        "freshest_month": max(str(one.row["as_of"])[:7] for one in held),
    }


def is_adverse(held: Sequence[Held], today: date) -> bool:
    """Tell whether any account makes the answer adverse."""
    now = today.year * 12 + today.month - 1
    looked = range(now - LOOKBACK_MONTHS + 1, now + 1)
    return any(one.adverse or _was_late(one, looked) for one in held)


def velocity_band(count: int) -> str:
    """Return the band of how many members asked."""
    return _band(count, (1, 2, 3, 5, 10), ("0", "1", "2", "3-4", "5-9", "10+"))


def bucket_of(row: Mapping[str, object]) -> int:
    """Return the bucket of a row, 0 to 7."""
    if row.get("status") == "CHARGED_OFF":
        return 7
    dpd = number(row, "dpd")
    return 0 if dpd == 0 else min(7, (dpd + 29) // 30)


def number(row: Mapping[str, object], name: str) -> int:
    """Return a whole number of a row, 0 where there is none."""
    value = row.get(name)
    return value if isinstance(value, int) else 0


def month_of(day: str) -> int:
    """Number a date's month: 12 times the year, plus 0 to 11."""
    return int(day[:4]) * 12 + int(day[5:7]) - 1


_SINCE: Final = ("0-2", "3-5", "6-11", "12-23", "24+")


def _height(state: str | None) -> int:
    if state is None:
        return 0
    return int(state) if state.isdigit() else 7 * (state in "BDZ")


def _was_late(one: Held, looked: range) -> bool:
    return any(_height(one.months.get(m)) >= 1 for m in looked)


def _band(value: int, edges: Sequence[int], names: Sequence[str]) -> str:
    return names[sum(value >= edge for edge in edges)]


def _count(value: int) -> str:
    return _band(value, (1, 2, 3), ("0", "1", "2", "3+"))


def _lenders(value: int, contributors: int) -> str:
    return "1+" if value and contributors < SMALL_CONSORTIUM else _count(value)
