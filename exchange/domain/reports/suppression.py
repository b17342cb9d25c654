"""Withhold what would tell of single borrowers or members, before a table leaves the regulator.

A cell is withheld if it holds 1 to 9 subjects, is fed by one or two contributors, or if one of
them is over 85 % of any of its figures. What is withheld can often be had back from the totals, so
a line with one hole gets another, and so does one whose holes together hold too few; then the
equations of the table are solved, and whatever still has one solution only gets company too.

The SDK withholds so as well, by code of its own: `tests/vectors/suppression_v1.json` ties both. In
a member's own table each borrower is a contributor; in the consortium's the members are.
Source: records.md, 15; the two contributors are our own: one of them would know the other's part.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

SUBJECTS_MIN: Final = 10  # k
CONTRIBUTORS_MIN: Final = 3
SHARE_PERCENT_MAX: Final = 85  # of one contributor
TOTAL: Final = "TOTAL"  # no member or product is called so

Cell = tuple[str, str]  # row, column; either may be TOTAL


@dataclass(slots=True)
class Crowd:
    """Who stands behind a cell. Of subjects ten are enough to know, so ten are kept."""

    subjects: set[int] = field(default_factory=set)
    balances: Counter[str] = field(default_factory=Counter)  # minor units, by contributor
    accounts: Counter[str] = field(default_factory=Counter)  # by contributor

    def add(self, subject: int, contributor: str, balance_minor: int) -> None:
        """Count an account in."""
        if len(self.subjects) < SUBJECTS_MIN:
            self.subjects.add(subject)
        self.balances[contributor] += balance_minor
        self.accounts[contributor] += 1

    def join(self, other: Crowd) -> None:
        """Take another cell's crowd in."""
        if len(self.subjects) < SUBJECTS_MIN:
            self.subjects |= other.subjects
        self.balances.update(other.balances)
        self.accounts.update(other.accounts)

    @property
    def unsafe(self) -> bool:
        """Whether a figure would tell of single ones. An empty cell tells of none."""
        if not self.accounts:
            return False
        few = len(self.subjects) < SUBJECTS_MIN or len(self.accounts) < CONTRIBUTORS_MIN
        return few or _dominated(self.balances) or _dominated(self.accounts)


def _dominated(amounts: Counter[str]) -> bool:
    whole = sum(amounts.values())
    return whole > 0 and max(amounts.values()) * 100 > whole * SHARE_PERCENT_MAX


def withheld(
    rows: Sequence[str], columns: Sequence[str], inner: Mapping[Cell, Crowd]
) -> frozenset[Cell]:
    """Return which cells of a table and of its totals are withheld.

    Args:
        inner: of each cell that is not empty, who stands behind it.
    """
    crowds = _with_totals(rows, columns, inner)
    lines = [[(row, column) for column in (*columns, TOTAL)] for row in (*rows, TOTAL)]
    lines += [[(row, column) for row in (*rows, TOTAL)] for column in (*columns, TOTAL)]
    hidden = {cell for cell, crowd in crowds.items() if crowd.unsafe}
    while _grow(lines, crowds, hidden):
        pass
    return frozenset(hidden)


def _with_totals(
    rows: Sequence[str], columns: Sequence[str], inner: Mapping[Cell, Crowd]
) -> dict[Cell, Crowd]:
    crowds = {(row, column): Crowd() for row in (*rows, TOTAL) for column in (*columns, TOTAL)}
    for (row, column), crowd in inner.items():
        for cell in ((row, column), (row, TOTAL), (TOTAL, column), (TOTAL, TOTAL)):
            crowds[cell].join(crowd)
    return crowds


def _grow(lines: Sequence[Sequence[Cell]], crowds: Mapping[Cell, Crowd], hidden: set[Cell]) -> bool:
    """Withhold more where that is needed, a line at a time; tell whether it was."""
    before = len(hidden)
    for line in lines:
        holes = [cell for cell in line if cell in hidden]
        if len(holes) == 1 or (holes and line[-1] not in hidden and _tells(holes, crowds)):
            hidden |= _companion(line, crowds, hidden)
    if len(hidden) == before:
        alone = _determined(lines, hidden)
        for line in lines:
            for _ in alone.intersection(line):
                hidden |= _companion(line, crowds, hidden)
    return len(hidden) > before


def _tells(holes: Iterable[Cell], crowds: Mapping[Cell, Crowd]) -> bool:
    """Tell whether the holes of a line together, which its total gives away, are unsafe."""
    together = Crowd()
    for cell in holes:
        together.join(crowds[cell])
    return together.unsafe


def _companion(line: Sequence[Cell], crowds: Mapping[Cell, Crowd], hidden: set[Cell]) -> set[Cell]:
    """Choose the smallest cell of a line that still stands; an empty one, or the total, last."""
    order = {
        cell: (cell == line[-1], not crowds[cell].accounts, crowds[cell].balances.total(), cell)
        for cell in line
        if cell not in hidden
    }
    return {min(order, key=lambda cell: order[cell])} if order else set()


def _determined(lines: Sequence[Sequence[Cell]], hidden: set[Cell]) -> set[Cell]:
    """Return the holes that the totals still give away: those with one solution only.

    Each line says that its inner cells add up to its last one.
    """
    names = sorted(hidden)
    equations = [
        [Fraction((cell in line) * (-1 if cell == line[-1] else 1)) for cell in names]
        for line in lines
        if not hidden.isdisjoint(line)
    ]
    _reduce(equations, len(names))
    alone = [[at for at, factor in enumerate(row) if factor] for row in equations]
    return {names[found[0]] for found in alone if len(found) == 1}


def _reduce(equations: list[list[Fraction]], unknowns: int) -> None:
    """Bring equations into reduced row echelon form, in place."""
    done = 0
    for column in range(unknowns):
        pivot = next((at for at in range(done, len(equations)) if equations[at][column]), None)
        if pivot is None:
            continue
        equations[done], equations[pivot] = equations[pivot], equations[done]
        factor = equations[done][column]
        equations[done] = [value / factor for value in equations[done]]
        for at, row in enumerate(equations):
            if at != done and row[column]:
                times = row[column]
                equations[at] = [
                    value - times * base for value, base in zip(row, equations[done], strict=True)
                ]
        done += 1
