"""One row of the member's book, and what follows from it: tier, bucket, state, class, stage.

Source: records.md, sections 2, 9 and 15.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from typing import Final

from exchange_client.validating.checks import TERMINAL, bucket_of, class_floor
from exchange_client.validating.forms import DPD_MAX

STATES: Final = "01234567BCX"  # buckets, charged off, settled, not re-reported
NON_PERFORMING_CLASS: Final = 3  # 3 substandard, 4 doubtful, 5 loss
DEFAULT_DPD: Final = 90  # more days past due than this is default, IFRS 9 B5.5.37
RISEN_DPD: Final = 30  # more than this is a significant increase in risk, IFRS 9 5.5.11
_CLOSED: Final = {"GUARANTOR_PAID": "D", "ASSET_SETTLED": "Z", "SETTLED": "C", "CHARGED_OFF": "B"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Loan:
    """What the book says of one account on one day.

    The subject is a number that counts within one run: no identifier and no token is kept.
    """

    account_ref: str
    previous_ref: str  # under which it stood before, "" for most
    subject: int
    counts: bool  # in balances: the row of the borrower, not of a co-borrower or guarantor
    product: str
    status: str
    opened: int  # month, as `month_of` counts
    closed: int | None  # month
    as_of: date
    principal_minor: int
    balance_minor: int
    overdue_minor: int
    dpd: int  # whole days
    five_class: int | None  # as the member told it
    told: str  # history string, newest month first; "" where the row has none
    flags: frozenset[str]  # that follow from the row itself

    @property
    def held(self) -> bool:
        """Whether it is still the member's: neither settled nor sold."""
        return self.status not in TERMINAL

    @property
    def tier(self) -> str:
        """The tier of collection: M0 to M6, M7+."""
        if not self.dpd:
            return "M0"
        months = min(7, (self.dpd + 29) // 30)
        return "M7+" if months == 7 else f"M{months}"

    @property
    def character(self) -> str:
        """How this month stands in a history; a sold debt as it was at the sale."""
        level = bucket_of(self.status, self.dpd)
        return _CLOSED.get(self.status) or (str(level) if level else "N")

    @property
    def state(self) -> int:
        """Its place in `STATES`. Whatever is paid off, by whomever, is settled."""
        return STATES.index({"N": "0", "D": "C", "Z": "C"}.get(self.character, self.character))

    @property
    def class_(self) -> int:
        """The five-class that counts: as told, but never better than its age allows."""
        return max(self.five_class or 1, class_floor(self.status, self.dpd))

    @property
    def stage(self) -> int:
        """The stage of impairment.

        Source: IFRS 9 5.5.11 and B5.5.37 (to be confirmed).
        """
        class_ = self.class_
        if self.dpd > DEFAULT_DPD or self.status == "CHARGED_OFF" or class_ >= NON_PERFORMING_CLASS:
            return 3
        risen = self.dpd > RISEN_DPD or self.status == "RESTRUCTURED" or class_ == 2
        return 2 if risen else 1

    def later(self, days: int) -> Loan:
        """Return it with so many more days past due; everything else follows from them."""
        return replace(self, dpd=min(DPD_MAX, self.dpd + days)) if days else self


def month_of(day: date) -> int:
    """Count months, so that one less is the month before."""
    return day.year * 12 + day.month - 1


def month_text(month: int) -> str:
    """Write a counted month as `YYYY-MM`."""
    return f"{month // 12:04}-{month % 12 + 1:02}"


def ratio(part: int | Fraction, whole: int | Fraction) -> Fraction | None:
    """Divide, or None where there is nothing to divide by."""
    return Fraction(part) / whole if whole else None


def rounded(ratio_: Fraction | None, digits: int = 6) -> str | None:
    """Write a ratio with so many decimals, half to even; None stays None."""
    if ratio_ is None:
        return None
    scaled = round(ratio_ * 10**digits)
    whole, rest = divmod(abs(scaled), 10**digits)
    return f"{'-' if scaled < 0 else ''}{whole}.{rest:0{digits}}"
