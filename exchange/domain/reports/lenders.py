"""Who owes several lenders, how much hangs on one of them, and which debtors are bad across all.

In:  subject by subject, what it owes whom.
Out: bands of lenders, the Herfindahl-Hirschman index over members, and the debtors of whom more
     than a fifth of what they owe anywhere is over 90 days late.
Source: records.md, 15; Measures for risk classification of financial assets (2023): more than 20 %
of a non-retail debtor's debts to all banks (to be confirmed).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from heapq import heappush, heappushpop
from typing import Final, NamedTuple

from exchange.domain.records import Product
from exchange.domain.reports.classes import DEFAULT_DPD, NON_PERFORMING_CLASS
from exchange.domain.reports.suppression import Crowd
from exchange.domain.reports.tables import ratio

BANDS: Final = ("1", "2", "3+")
CROSS_PERCENT_MAX: Final = 20
LISTED_MAX: Final = 100  # debtors that a report names by their pseudonyms
# No token tells what number it was made of; a loan to a business tells that its debtor is one.
NON_RETAIL: Final = frozenset({Product.BUSINESS_LOAN})


class Owed(NamedTuple):
    """One open account of a borrower."""

    member: str
    balance_minor: int
    dpd: int
    five_class: int
    product: Product


class Debtor(NamedTuple):
    """A debtor beyond the line; the first field orders them."""

    balance_minor: int
    token_index: bytes
    late_minor: int  # of it, over 90 days late
    lenders: int


@dataclass(slots=True)
class CrossLender:
    """What non-retail debtors owe all members together."""

    debtors: int = 0
    flagged: int = 0
    balance_minor: int = 0
    late_minor: int = 0
    flagged_minor: int = 0  # all that flagged debtors owe
    better_minor: Counter[str] = field(default_factory=Counter)  # of it, by member, in classes 1, 2
    listed: list[Debtor] = field(default_factory=list)  # a heap: the largest

    def add(self, token_index: bytes, owed: Sequence[Owed]) -> None:
        """Count a debtor in, if any of its accounts says that it is none of retail."""
        if not any(one.product in NON_RETAIL for one in owed):
            return
        balance = sum(one.balance_minor for one in owed)
        late = sum(one.balance_minor for one in owed if one.dpd > DEFAULT_DPD)
        self.debtors += 1
        self.balance_minor += balance
        self.late_minor += late
        if late * 100 <= balance * CROSS_PERCENT_MAX:
            return
        self.flagged += 1
        self.flagged_minor += balance
        for one in owed:
            if one.five_class < NON_PERFORMING_CLASS:
                self.better_minor[one.member] += one.balance_minor
        debtor = Debtor(balance, token_index, late, len({one.member for one in owed}))
        push = heappush if len(self.listed) < LISTED_MAX else heappushpop
        push(self.listed, debtor)


@dataclass(slots=True)
class Lenders:
    """How many lenders subjects have."""

    subjects: Counter[str] = field(default_factory=Counter)  # by band
    balances: Counter[str] = field(default_factory=Counter)  # minor units, by band
    crowds: dict[str, Crowd] = field(default_factory=dict)  # by band
    by_member: Counter[str] = field(default_factory=Counter)  # subjects of each

    def add(self, subject: int, owed: Sequence[Owed]) -> None:
        """Count a subject in."""
        members = {one.member for one in owed}
        band = BANDS[min(len(members), len(BANDS)) - 1]
        self.subjects[band] += 1
        self.by_member.update(members)
        crowd = self.crowds.setdefault(band, Crowd())
        for one in owed:
            self.balances[band] += one.balance_minor
            crowd.add(subject, one.member, one.balance_minor)


def concentration(balances: Sequence[int]) -> str | None:
    """Return the Herfindahl-Hirschman index: 1 where one holds all, None where nobody holds any."""
    return ratio(sum(one**2 for one in balances), sum(balances) ** 2)
