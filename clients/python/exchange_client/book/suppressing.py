"""Withhold what would tell of single borrowers, before a table leaves the member.

A cell is withheld if it holds 1 to 9 borrowers, or if one of them is over 85 % of it. What is
withheld can often be had back from the totals, so a line with one hole gets another, and so does
one whose holes together hold too few; then the equations of the table are solved, and whatever
still has one solution only gets company too.

The contributors of a member's own table are its borrowers; of a consortium's they are members.
Source: records.md, section 15.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Final

SUBJECTS_MIN: Final = 10  # k
SHARE_PERCENT_MAX: Final = 85  # of one contributor
TOTAL: Final = "total"

Cell = tuple[str, str]  # row, column; either may be TOTAL
Amounts = Counter[int]  # by contributor


def unsafe(amounts: Amounts) -> bool:
    """Tell whether a sum would tell of single contributors. An empty cell tells of none."""
    whole = sum(amounts.values())
    dominated = whole > 0 and max(amounts.values()) * 100 > whole * SHARE_PERCENT_MAX
    return 0 < len(amounts) < SUBJECTS_MIN or dominated


def withheld(
    rows: Sequence[str], columns: Sequence[str], inner: Mapping[Cell, Amounts]
) -> frozenset[Cell]:
    """Return which cells of a table and of its totals are withheld.

    Args:
        inner: of each cell that is not empty, what each contributor adds to it.
    """
    amounts = _with_totals(rows, columns, inner)
    lines = [[(row, column) for column in (*columns, TOTAL)] for row in (*rows, TOTAL)]
    lines += [[(row, column) for row in (*rows, TOTAL)] for column in (*columns, TOTAL)]
    hidden = {cell for cell, found in amounts.items() if unsafe(found)}
    while _grow(lines, amounts, hidden):
        pass
    return frozenset(hidden)


def _with_totals(
    rows: Sequence[str], columns: Sequence[str], inner: Mapping[Cell, Amounts]
) -> dict[Cell, Amounts]:
    amounts = {
        (row, column): Counter[int]() for row in (*rows, TOTAL) for column in (*columns, TOTAL)
    }
    for (row, column), found in inner.items():
        for cell in ((row, column), (row, TOTAL), (TOTAL, column), (TOTAL, TOTAL)):
            for contributor, amount in found.items():  # `update` would drop nothing, but add slower
                amounts[cell][contributor] += amount
    return amounts


def _grow(
    lines: Sequence[Sequence[Cell]], amounts: Mapping[Cell, Amounts], hidden: set[Cell]
) -> bool:
    """Withhold more where that is needed, a line at a time; tell whether it was."""
    before = len(hidden)
    for line in lines:
        holes = [cell for cell in line if cell in hidden]
        if len(holes) == 1 or (holes and line[-1] not in hidden and _tells(holes, amounts)):
            hidden |= _companion(line, amounts, hidden)
    if len(hidden) == before:
        alone = determined(lines, hidden)
        for line in lines:  # Not cell by cell: a set has no order, and the result would have none.
            for _ in alone.intersection(line):
                hidden |= _companion(line, amounts, hidden)
    return len(hidden) > before


def _tells(holes: Iterable[Cell], amounts: Mapping[Cell, Amounts]) -> bool:
    """Tell whether the holes of a line together, which its total gives away, are unsafe."""
    together = Counter[int]()
    for cell in holes:
        together.update(amounts[cell])
    return unsafe(together)


def _companion(
    line: Sequence[Cell], amounts: Mapping[Cell, Amounts], hidden: set[Cell]
) -> set[Cell]:
    """Choose the smallest cell of a line that still stands; an empty one, or the total, last."""
    standing = [cell for cell in line if cell not in hidden]
    order = {
        cell: (cell == line[-1], not amounts[cell], sum(amounts[cell].values()))
        for cell in standing
    }
    return {min(standing, key=lambda cell: (order[cell], cell))} if standing else set()


def determined(lines: Sequence[Sequence[Cell]], hidden: set[Cell]) -> set[Cell]:
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
