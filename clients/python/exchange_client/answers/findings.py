"""What an asker may learn about a subject: bands, never sums, days or lenders.

In:  the `finding` claim of a verified receipt.
Out: a Finding. A band that the purpose or the grant cut away raises `AnswerMisread` when it is
     read, so that "not shown" can never be taken for zero.
Source: the record rules of the exchange, section "Finding and answer".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, TypeVar

from exchange_client.errors import AnswerMisread, ReceiptInvalid

T = TypeVar("T", int, str, bool)

COUNT_BANDS: Final = frozenset({"0", "1", "2", "3+"})
BANDS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "months_since_worst": frozenset({"none", "0-2", "3-5", "6-11", "12-23", "24+"}),
        "late_months": frozenset({"0", "1", "2", "3-5", "6+"}),
        "lender_band": COUNT_BANDS | {"1+"},
        "open_overdue_band": COUNT_BANDS,
    }
)
RANGES: Final[Mapping[str, range]] = MappingProxyType(
    {"current_bucket": range(8), "worst_bucket": range(8), "overdue_amount_band": range(6)}
)
FLAGS: Final = frozenset({"dispute", "other_currency"})
VELOCITY_BANDS: Final = frozenset({"0", "1", "2", "3-4", "5-9", "10+"})
VELOCITY_DAYS: Final = ("7", "30", "90")
KNOWN: Final = frozenset(BANDS) | frozenset(RANGES) | FLAGS | {"freshest_month", "statement"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Velocity:
    """How many other members looked at new credit for this subject lately, as bands."""

    days_7: str
    days_30: str
    days_90: str


class Finding:
    """The bands of one answer. Reading one that was not shown raises `AnswerMisread`."""

    __slots__ = ("_shown", "_velocity")

    def __init__(self, claim: Mapping[str, object]) -> None:
        """Read the `finding` claim.

        Raises:
            ReceiptInvalid: a field is unknown, or its value is not one of its bands.
        """
        rest = dict(claim)
        velocity = rest.pop("velocity", None)
        for name, value in rest.items():
            _check(name, value)
        self._shown: Mapping[str, object] = MappingProxyType(rest)
        self._velocity = None if velocity is None else _velocity(velocity)

    @property
    def shown(self) -> frozenset[str]:
        """The names of the bands that this answer shows."""
        return frozenset(self._shown) | ({"velocity"} if self._velocity else set())

    @property
    def current_bucket(self) -> int:
        """Worst bucket that is open now, 0 (none) to 7 (over 180 days, or charged off)."""
        return self._read("current_bucket", int)

    @property
    def worst_bucket(self) -> int:
        """Worst bucket of any month in the look-back, 0 to 7."""
        return self._read("worst_bucket", int)

    @property
    def months_since_worst(self) -> str:
        """Months since the worst one: none, 0-2, 3-5, 6-11, 12-23 or 24+."""
        return self._read("months_since_worst", str)

    @property
    def late_months(self) -> str:
        """Months with arrears in the last 12: 0, 1, 2, 3-5 or 6+."""
        return self._read("late_months", str)

    @property
    def lender_band(self) -> str:
        """Members that report something adverse: 0, 1, 2, 3+, or 1+ in a small consortium."""
        return self._read("lender_band", str)

    @property
    def open_overdue_band(self) -> str:
        """Accounts overdue now: 0, 1, 2 or 3+."""
        return self._read("open_overdue_band", str)

    @property
    def overdue_amount_band(self) -> int:
        """Overdue amount as a band of the profile's currency, 0 (none) to 5 (most)."""
        return self._read("overdue_amount_band", int)

    @property
    def other_currency(self) -> bool:
        """Whether something is overdue in a currency that the amount band leaves out."""
        return "other_currency" in self._shown and self._read("other_currency", bool)

    @property
    def freshest_month(self) -> str:
        """Month of the newest record, `YYYY-MM`."""
        return self._read("freshest_month", str)

    @property
    def dispute(self) -> bool:
        """Whether the borrower disputes one of the records."""
        return self._read("dispute", bool)

    @property
    def statement(self) -> str | None:
        """The borrower's own statement, if there is one."""
        return None if self._shown.get("statement", "") is None else self._read("statement", str)

    @property
    def velocity(self) -> Velocity:
        """How many other members looked at new credit for this subject in 7, 30 and 90 days."""
        if self._velocity is None:
            raise _not_shown("velocity")
        return self._velocity

    @property
    def velocity_if_shown(self) -> Velocity | None:
        """The same, or None where it is not shown."""
        return self._velocity

    def _read(self, name: str, kind: type[T]) -> T:
        value = self._shown.get(name)
        if not isinstance(value, kind):  # Values were checked on the way in: it is absent.
            raise _not_shown(name)
        return value

    def __repr__(self) -> str:
        return f"Finding(shown={sorted(self.shown)})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Finding):
            return NotImplemented
        return dict(self._shown) == dict(other._shown) and self._velocity == other._velocity

    def __hash__(self) -> int:
        return hash((tuple(sorted(self._shown)), self._velocity))


def _check(name: str, value: object) -> None:
    if name not in KNOWN or not _allowed(name, value):
        raise ReceiptInvalid(f"the finding holds an unknown field or band ({name[:40]!r})")


def _allowed(name: str, value: object) -> bool:
    if name in RANGES:
        return isinstance(value, int) and not isinstance(value, bool) and value in RANGES[name]
    if name in FLAGS:
        return isinstance(value, bool)
    if name in BANDS:
        return value in BANDS[name]
    return isinstance(value, str) or (name == "statement" and value is None)


def _velocity(value: object) -> Velocity:
    if not isinstance(value, dict) or set(value) != set(VELOCITY_DAYS):
        raise ReceiptInvalid("velocity must hold the bands of 7, 30 and 90 days")
    if not set(value.values()) <= VELOCITY_BANDS:
        raise ReceiptInvalid("velocity holds an unknown band")
    return Velocity(days_7=value["7"], days_30=value["30"], days_90=value["90"])


def _not_shown(name: str) -> AnswerMisread:
    return AnswerMisread(f"{name} is not shown under this purpose and grant; that is not zero")
