"""Write `tests/vectors/suppression_v1.json`: tables, and which of their cells are withheld.

Run as `python -m tests.unit.reports.vectors`. The SDK withholds; the exchange must agree, or
nothing is written. A borrower is a contributor here, as in a member's own table.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from exchange.domain.reports.suppression import TOTAL, Crowd
from exchange.domain.reports.suppression import withheld as withheld_here
from exchange_client.book.suppressing import TOTAL as SDK_TOTAL
from exchange_client.book.suppressing import withheld

PLACE = Path(__file__).parents[2] / "vectors" / "suppression_v1.json"
SIZES = (0, 0, 1, 3, 9, 10, 12, 30)
LARGE = (0, 0, 0, 5_000)
RANDOM_CASES = 40


class Cell(NamedTuple):
    """Who stands in a cell: so many borrowers from a number on, and what each owes."""

    row: str
    column: str
    people: tuple[tuple[int, int, int], ...]  # first, how many, minor units each

    def amounts(self) -> Counter[int]:
        """Return what each borrower owes."""
        found = Counter[int]()
        for first, many, each in self.people:
            for number in range(first, first + many):
                found[number] += each
        return found


class Case(NamedTuple):
    """One table."""

    why: str
    rows: str
    columns: str
    cells: tuple[Cell, ...]

    def by_sdk(self) -> set[tuple[str, str]]:
        """Let the SDK withhold."""
        hidden = withheld(
            self.rows, self.columns, {(one.row, one.column): one.amounts() for one in self.cells}
        )
        return {_named(row, column, SDK_TOTAL) for row, column in hidden}

    def by_exchange(self) -> set[tuple[str, str]]:
        """Let the exchange withhold."""
        inner = {(one.row, one.column): crowd(one.amounts()) for one in self.cells}
        hidden = withheld_here(self.rows, self.columns, inner)
        return {_named(row, column, TOTAL) for row, column in hidden}


def crowd(amounts: Counter[int]) -> Crowd:
    """Return a cell in which each borrower contributes for itself."""
    return Crowd(
        subjects=set(amounts),
        balances=Counter({str(number): minor for number, minor in amounts.items()}),
        accounts=Counter({str(number): 0 for number in amounts}),
    )


def _named(row: str, column: str, total: str) -> tuple[str, str]:
    return ("*" if row == total else row, "*" if column == total else column)


def cases() -> list[Case]:
    """Return the cases: some by hand, many by a seed."""
    made = [
        Case("nine", "a", "x", (Cell("a", "x", ((0, 9, 10),)),)),
        Case("ten", "a", "x", (Cell("a", "x", ((0, 10, 10),)),)),
        Case("85 % of one", "a", "x", (Cell("a", "x", ((0, 10, 3), (99, 1, 170))),)),
        Case("over 85 % of one", "a", "x", (Cell("a", "x", ((0, 10, 3), (99, 1, 171))),)),
    ]
    chance = random.Random(20261128)  # noqa: S311 - a choice of cases
    for number in range(RANDOM_CASES):
        rows, columns = "abcde"[: chance.randint(1, 5)], "vwxyz"[: chance.randint(1, 5)]
        made.append(Case(f"seeded {number}", rows, columns, _drawn(rows, columns, chance)))
    return made


def _drawn(rows: str, columns: str, chance: random.Random) -> tuple[Cell, ...]:
    cells = []
    for row in rows:
        for column in columns:
            first, many, large = chance.randint(0, 60), chance.choice(SIZES), chance.choice(LARGE)
            if many:
                people = ((first, many, 10), (first, 1, large)) if large else ((first, many, 10),)
                cells.append(Cell(row, column, people))
    return tuple(cells)


def read() -> list[tuple[Case, set[tuple[str, str]]]]:
    """Read the file: each case, and what must be withheld."""
    return [
        (
            Case(
                one["why"],
                one["rows"],
                one["columns"],
                tuple(
                    Cell(cell["row"], cell["column"], tuple(map(tuple, cell["people"])))
                    for cell in one["cells"]
                ),
            ),
            {(row, column) for row, column in one["withheld"]},
        )
        for one in json.loads(PLACE.read_text())["cases"]
    ]


def main() -> None:
    """Write the file."""
    told = []
    for one in cases():
        hidden = one.by_sdk()
        if hidden != one.by_exchange():
            raise SystemExit(f"{one.why}: they differ")
        cells = [cell._asdict() for cell in one.cells]
        told.append({**one._asdict(), "cells": cells, "withheld": sorted(hidden)})
    lines = ",\n".join(json.dumps(one) for one in told)
    PLACE.write_text(f'{{"total": "*", "cases": [\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
