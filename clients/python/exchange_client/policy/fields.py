"""What a condition may be about: each field's closed values, their order, and when it is known.

A condition compares by the order written here, least first. Where the order is not that of the
numbers in the name, the reason stands beside it.
Source: records.md 5 (bands) and 6 (grade, reasons); the places of `none` and `1+` are own choices.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, TypeAlias

from exchange_client.answers import Outcome
from exchange_client.answers.explaining import REASONS
from exchange_client.grades import LOWEST

Value: TypeAlias = bool | int | str

COUNTS: Final = ("0", "1", "2", "3+")
VELOCITY: Final = ("0", "1", "2", "3-4", "5-9", "10+")
FOUND: Final = frozenset({Outcome.ADVERSE, Outcome.NO_ADVERSE})  # outcomes with a finding
LOOKED: Final = FOUND | {Outcome.NO_DATA}  # outcomes of a look that was permitted


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """Which values a field may have, and whether they compare."""

    kind: type[bool] | type[int] | type[str]
    order: tuple[Value, ...] = ()  # closed values, least first
    words: frozenset[Value] = frozenset()  # closed values without a place in an order
    form: str = ""  # of an open field: integer, month or text

    @property
    def closed(self) -> frozenset[Value]:
        """Every value it may have; empty where it is open."""
        return self.words.union(self.order)

    @property
    def compares(self) -> bool:
        """Tell whether gte and lte mean something here."""
        return bool(self.order) or self.form in ("integer", "month")


def _bands(*values: str) -> Domain:
    return Domain(kind=str, order=values)


_YES_OR_NO: Final = Domain(kind=bool, words=frozenset({False, True}))

OUTCOME: Final = Domain(kind=str, words=frozenset(one.value for one in Outcome))
# U, no data, is neither better nor worse than a letter.
GRADE: Final = Domain(
    kind=str, order=tuple(name for name, _ in reversed(LOWEST)), words=frozenset({"U"})
)
# The receipt's reasons: at most four weigh. A condition holds if one of its codes is among them.
REASON: Final = Domain(kind=str, words=frozenset(REASONS))

BANDS: Final[Mapping[str, Domain]] = MappingProxyType(
    {
        "current_bucket": Domain(kind=int, order=tuple(range(8))),
        "worst_bucket": Domain(kind=int, order=tuple(range(8))),
        # Months ago: more is better. `none`, no arrears in the look-back, is longest ago.
        "months_since_worst": _bands("0-2", "3-5", "6-11", "12-23", "24+", "none"),
        "late_months": _bands("0", "1", "2", "3-5", "6+"),
        # `1+`, how a small consortium says "some": more than 1 says, less than 2 would claim.
        # The model scores it as 1 (records.md 6).
        "lender_band": _bands("0", "1", "1+", "2", "3+"),
        "open_overdue_band": _bands(*COUNTS),
        "overdue_amount_band": Domain(kind=int, order=tuple(range(6))),
        "other_currency": _YES_OR_NO,
        "freshest_month": Domain(kind=str, form="month"),
        "has_statement": _YES_OR_NO,  # the text is for a person to read
    }
)
# Shown under NO_DATA as well.
ALWAYS: Final[Mapping[str, Domain]] = MappingProxyType(
    {
        "velocity_7": _bands(*VELOCITY),
        "velocity_30": _bands(*VELOCITY),
        "velocity_90": _bands(*VELOCITY),
        "dispute": _YES_OR_NO,
    }
)
DOMAINS: Final[Mapping[str, Domain]] = MappingProxyType(
    {"outcome": OUTCOME, "grade": GRADE, "reasons": REASON, **BANDS, **ALWAYS}
)
OWN: Final[Mapping[str, Domain]] = MappingProxyType(
    {
        "integer": Domain(kind=int, form="integer"),
        "boolean": _YES_OR_NO,
        "text": Domain(kind=str, form="text"),
    }
)
# Which reason a field speaks of; the others speak of none by themselves.
SPEAKS_OF: Final[Mapping[str, str]] = MappingProxyType(
    {
        "current_bucket": "R01",
        "open_overdue_band": "R01",
        "worst_bucket": "R02",
        "months_since_worst": "R02",
        "late_months": "R03",
        "overdue_amount_band": "R04",
        "other_currency": "R04",
        "lender_band": "R05",
        "velocity_7": "R06",
        "velocity_30": "R06",
        "velocity_90": "R06",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What one field must be. `low` and `high` bound an open field; months are counted from 0."""

    field: str
    among: frozenset[Value] | None  # None: whatever the bounds allow
    low: int | None = None
    high: int | None = None

    def holds(self, value: Value) -> bool:
        """Tell whether a value fulfils it."""
        if self.among is not None and value not in self.among:
            return False
        if self.low is None and self.high is None:
            return True
        number = months_of(value) if isinstance(value, str) else value
        return (self.low is None or number >= self.low) and (
            self.high is None or number <= self.high
        )

    @property
    def possible(self) -> bool:
        """Tell whether any value fulfils it."""
        if self.among is not None:
            return any(self.holds(one) for one in self.among)
        return self.low is None or self.high is None or self.low <= self.high


def months_of(month: str) -> int:
    """Return a month, `YYYY-MM`, as a number that counts months."""
    return int(month[:4]) * 12 + int(month[5:7]) - 1


def outcomes_of(condition: Condition) -> frozenset[Outcome]:
    """Return the outcomes under which a condition can hold at all."""
    if condition.field in BANDS:
        return FOUND
    if condition.field in ALWAYS:
        return LOOKED
    if condition.among is None or condition.field not in ("outcome", "grade", "reasons"):
        return frozenset(Outcome)
    return frozenset().union(*(_OUTCOMES[condition.field, one] for one in condition.among))


def _outcomes() -> dict[tuple[str, Value], frozenset[Outcome]]:
    only = {name: frozenset({name}) for name in Outcome}
    return {
        **{("outcome", name.value): only[name] for name in Outcome},
        **{("grade", letter): FOUND for letter in GRADE.order},
        ("grade", "U"): only[Outcome.NO_DATA],
        **{("reasons", code): FOUND for code in REASONS},
        ("reasons", "R07"): only[Outcome.NO_DATA],
        ("reasons", "R08"): only[Outcome.WITHHELD],
        **{("reasons", code): LOOKED for code in ("R09", "R10")},
    }


_OUTCOMES: Final = MappingProxyType(_outcomes())
