"""The five classes of a book, what is non-performing, and how much hangs on one product.

Source: records.md, section 15; Measures for risk classification of financial assets (2023).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from exchange_client.book.loans import NON_PERFORMING_CLASS, Loan, ratio
from exchange_client.book.suppressing import TOTAL
from exchange_client.book.tallies import Table, tabulate
from exchange_client.validating.forms import PRODUCTS

CLASSES: Final = ("1", "2", "3", "4", "5")
CLASS_NAMES: Final = {"1": "正常", "2": "关注", "3": "次级", "4": "可疑", "5": "损失"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassReport:
    """Balances by class and product."""

    table: Table  # class by product

    @property
    def non_performing_minor(self) -> int:
        """The balance of classes 3 to 5."""
        bad = self.table.rows[NON_PERFORMING_CLASS - 1 :]
        return sum(self.table.at(row).balance_minor for row in bad)

    @property
    def npl_ratio(self) -> Fraction | None:
        """Classes 3 to 5 by all; None where nothing is owed, or the classes are withheld."""
        if any((row, TOTAL) in self.table.hidden for row in (*self.table.rows, TOTAL)):
            return None  # It would give away the sum of what is withheld.
        return ratio(self.non_performing_minor, self.table.total.balance_minor)

    @property
    def concentration(self) -> Fraction | None:
        """The Herfindahl-Hirschman index over products: 1 where there is only one."""
        columns = self.table.columns
        if any((TOTAL, column) in self.table.hidden for column in (*columns, TOTAL)):
            return None
        whole = self.table.total.balance_minor
        squares = sum(self.table.at(TOTAL, column).balance_minor ** 2 for column in columns)
        return ratio(squares, whole**2)


def classes(loans: Iterable[Loan], *, outward: bool = False) -> ClassReport:
    """Sum loans by class and product."""
    taken = list(loans)
    products = sorted({loan.product for loan in taken} & PRODUCTS)
    table = tabulate(
        taken,
        (CLASSES, lambda loan: str(loan.class_)),
        (products, lambda loan: loan.product),
        outward=outward,
    )
    return ClassReport(table=table)
