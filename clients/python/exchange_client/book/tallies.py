"""Sums of a book by two properties: how many accounts, and how much is owed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from exchange_client.book.loans import Loan
from exchange_client.book.suppressing import TOTAL, Amounts, Cell, withheld

Shown: TypeAlias = "dict[str, int] | None"  # None: withheld


@dataclass(slots=True)
class Sums:
    """What a cell holds; amounts in minor units, of rows that count in balances."""

    accounts: int = 0
    balance_minor: int = 0
    overdue_minor: int = 0
    of_subjects: Amounts = field(default_factory=Counter, repr=False)

    def add(self, loan: Loan) -> None:
        """Count a loan in."""
        self.accounts += 1
        counted = loan.counts
        self.balance_minor += loan.balance_minor if counted else 0
        self.overdue_minor += loan.overdue_minor if counted else 0
        self.of_subjects[loan.subject] += loan.balance_minor if counted else 0

    def shown(self) -> dict[str, int]:
        """Return it as reports tell it."""
        return {
            "accounts": self.accounts,
            "balance_minor": self.balance_minor,
            "overdue_minor": self.overdue_minor,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table with its totals; a cell that is missing from it is empty."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: dict[Cell, Sums]
    hidden: frozenset[Cell]  # what is withheld

    def at(self, row: str, column: str = TOTAL) -> Sums:
        """Return a cell or a total, also where it is withheld from others."""
        return self.cells.get((row, column), Sums())

    def shown(self, row: str, column: str = TOTAL) -> Shown:
        """Return a cell or a total as it may be told."""
        return None if (row, column) in self.hidden else self.at(row, column).shown()

    def mentions(self, row: str, column: str) -> bool:
        """Tell whether a cell is spoken of: there is something in it, or it is withheld."""
        return (row, column) in self.hidden or self.at(row, column).accounts > 0

    @property
    def total(self) -> Sums:
        """The sums over all."""
        return self.at(TOTAL)


def tabulate(
    loans: Iterable[Loan],
    rows: tuple[Sequence[str], Callable[[Loan], str]],
    columns: tuple[Sequence[str], Callable[[Loan], str]],
    *,
    outward: bool = False,
) -> Table:
    """Sum loans by two properties.

    Args:
        rows: all values of the first, in order, and how a loan has one.
        outward: withhold what would tell of single borrowers.
    """
    cells: dict[Cell, Sums] = {}
    for loan in loans:
        row, column = rows[1](loan), columns[1](loan)
        for cell in ((row, column), (row, TOTAL), (TOTAL, column), (TOTAL, TOTAL)):
            cells.setdefault(cell, Sums()).add(loan)
    inner = {cell: sums.of_subjects for cell, sums in cells.items() if TOTAL not in cell}
    hidden = withheld(rows[0], columns[0], inner) if outward else frozenset()
    return Table(rows=tuple(rows[0]), columns=tuple(columns[0]), cells=cells, hidden=hidden)
