"""A table of a report: sums by two properties, with totals, and who stands behind each cell."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeAlias

from exchange.domain.reports.suppression import TOTAL, Cell, Crowd, withheld

Figure: TypeAlias = "str | int | Sequence[Figure] | Mapping[str, Figure] | None"  # None: withheld


@dataclass(slots=True)
class Sums:
    """What a cell holds; amounts in minor units."""

    accounts: int = 0
    balance_minor: int = 0
    overdue_minor: int = 0

    def add(self, other: Sums) -> None:
        """Add another cell's."""
        self.accounts += other.accounts
        self.balance_minor += other.balance_minor
        self.overdue_minor += other.overdue_minor

    def shown(self) -> dict[str, Figure]:
        """Write it as reports tell it."""
        return {
            "accounts": self.accounts,
            "balance_minor": self.balance_minor,
            "overdue_minor": self.overdue_minor,
        }


@dataclass(slots=True, kw_only=True)
class Table:
    """Sums by row and column; a cell that is missing is empty."""

    rows: Sequence[str]
    columns: Sequence[str]  # as far as they are closed; else those that occur
    cells: dict[Cell, Sums] = field(default_factory=dict)
    crowds: dict[Cell, Crowd] = field(default_factory=dict)  # of inner cells

    def cell(self, row: str, column: str) -> Sums:
        """Return an inner cell to add to."""
        return self.cells.setdefault((row, column), Sums())

    def crowd(self, row: str, column: str) -> Crowd:
        """Return who stands behind an inner cell, to add to."""
        return self.crowds.setdefault((row, column), Crowd())

    @property
    def occurring(self) -> list[str]:
        """The columns that are to be shown: the closed ones, or those that occur."""
        return list(self.columns) or sorted({column for _, column in self.cells})

    def with_totals(self) -> dict[Cell, Sums]:
        """Return every cell that is not empty, and every total of one that is not."""
        found: dict[Cell, Sums] = {}
        for (row, column), sums in self.cells.items():
            for cell in ((row, column), (row, TOTAL), (TOTAL, column), (TOTAL, TOTAL)):
                found.setdefault(cell, Sums()).add(sums)
        return found

    def shown(self) -> dict[str, Figure]:
        """Write it whole."""
        return self._written(frozenset(), lambda sums: sums.shown())

    def shown_outward(self, *, whole: bool) -> tuple[dict[str, Figure], frozenset[Cell]]:
        """Write what may leave, null where it is withheld, and say what that is.

        Overdue amounts stay: the rule is held against accounts and balances alone.

        Args:
            whole: False withholds every cell.
        """
        columns = self.occurring
        hidden = (
            withheld(self.rows, columns, self.crowds)
            if whole
            else frozenset((r, c) for r in (*self.rows, TOTAL) for c in (*columns, TOTAL))
        )
        return self._written(hidden, _without_overdue), hidden

    def _written(
        self, hidden: frozenset[Cell], write: Callable[[Sums], Figure]
    ) -> dict[str, Figure]:
        """Leave empty cells out, unless they are withheld: absence would tell that they are."""
        found = self.with_totals()
        written: dict[str, Figure] = {}
        for row in (*self.rows, TOTAL):
            line: dict[str, Figure] = {}
            for column in (*self.occurring, TOTAL):
                if (row, column) in hidden:
                    line[column] = None
                elif sums := found.get((row, column)):
                    line[column] = write(sums)
            written[row] = line
        return written


def _without_overdue(sums: Sums) -> Figure:
    return {"accounts": sums.accounts, "balance_minor": sums.balance_minor}


def ratio(part: int, whole: int, digits: int = 6) -> str | None:
    """Write a share with so many decimals, half to even; None where there is nothing to share."""
    if not whole:
        return None
    scaled = round(Fraction(part, whole) * 10**digits)
    return f"{scaled // 10**digits}.{scaled % 10**digits:0{digits}}"
