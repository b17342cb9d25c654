"""Whether the figures of a consortium's report follow from each other.

Sums are added up again, shares and ratios made again, to the last minor unit and the last decimal.
A line that holds a withheld figure is not added up: nobody but the exchange can.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from exchange_client.book.loans import STATES, ratio, rounded
from exchange_client.core.encoding import JSON
from exchange_client.errors import ReceiptInvalid

TOTAL: Final = "TOTAL"
CLASSES: Final = ("1", "2", "3", "4", "5")
STAGES: Final = ("1", "2", "3")
BANDS: Final = ("1", "2", "3+")
CHECKS: Final = ("IN_TIME", "STALE", "LATE", "NEVER")
LOANS_MIN: Final = 20
LISTED_MAX: Final = 100
_BAD: Final = CLASSES[2:]


class Sums(NamedTuple):
    """One cell."""

    accounts: int = 0
    balance_minor: int = 0
    overdue_minor: int = 0


Grid = Mapping[tuple[str, str], Sums | None]  # by row and column; None: withheld; missing: nothing


def check_totals(figures: Mapping[str, JSON], *, whole: bool) -> None:
    """Check a report's figures.

    Args:
        whole: the regulator's, in which nothing is withheld.

    Raises:
        ReceiptInvalid: one is missing, of another form, or does not follow from the others.
    """
    products = read_grid(figures, "products", CLASSES)
    _holds(not whole or None not in products.values(), "withheld")
    bands = read_object(figures, "lenders")
    for band in BANDS:
        if whole or bands.get(band, {}) is not None:
            read_whole(read_object(bands, band), "subjects")
    read_moves(figures, whole=whole)
    if whole:
        _check_whole(figures, products, bands)
    elif not any(products.get((row, TOTAL), Sums()) is None for row in (*CLASSES, TOTAL)):
        _holds(read_object(figures, "npl_ratio") == {TOTAL: npl_ratio(products, TOTAL)}, "npl")


def _check_whole(figures: Mapping[str, JSON], products: Grid, bands: Mapping[str, JSON]) -> None:
    classes = read_grid(figures, "classes", CLASSES)
    stages = read_grid(figures, "stages", STAGES)
    members = sorted({column for _, column in classes} - {TOTAL})
    for column in (*members, TOTAL):
        _holds(_at(classes, TOTAL, column) == _at(stages, TOTAL, column), "stages")
    for row in (*CLASSES, TOTAL):
        _holds(_at(classes, row, TOTAL) == _at(products, row, TOTAL), "products")
    all_ = _at(classes, TOTAL, TOTAL)
    _holds(figures.get("accounts") == all_.accounts, "accounts")
    ratios = {one: npl_ratio(classes, one) for one in (*members, TOTAL)}
    _holds(read_object(figures, "npl_ratio") == ratios, "npl_ratio")
    owed = [_at(classes, TOTAL, one).balance_minor for one in members]
    hhi = rounded(ratio(sum(one**2 for one in owed), sum(owed) ** 2))
    _holds(figures.get("lender_hhi") == hhi, "lender_hhi")
    banded = sum(read_whole(read_object(bands, band), "balance_minor") for band in BANDS)
    _holds(banded == all_.balance_minor, "lenders")
    for member in (found := read_object(bands, "subjects_of")):
        read_whole(found, member)
    _check_cross_lender(read_object(figures, "cross_lender"), all_.balance_minor)
    for month in read_rows(read_object(figures, "lend_first"), "months"):
        _check_loans(month)


def _check_cross_lender(cross: Mapping[str, JSON], balance_minor: int) -> None:
    percent = read_whole(cross, "percent_max")
    held, late, flagged_minor = (
        read_whole(cross, name) for name in ("balance_minor", "late_minor", "flagged_minor")
    )
    _holds(cross.get("share") == rounded(ratio(late, held)), "share")
    read_whole(cross, "debtors")
    better = read_object(cross, "better_minor")
    _holds(sum(read_whole(better, one) for one in better) <= flagged_minor, "better_minor")
    _holds(flagged_minor <= held <= balance_minor, "flagged_minor")
    listed, flagged = read_rows(cross, "listed"), read_whole(cross, "flagged")
    _holds(len(listed) == min(flagged, LISTED_MAX), "listed")
    for one in listed:
        owed, of_it = read_whole(one, "balance_minor"), read_whole(one, "late_minor")
        read_whole(one, "lenders")
        read_text(one, "subject")
        _holds(owed * percent < of_it * 100 <= owed * 100, "listed")
        _holds(one.get("share") == rounded(ratio(of_it, owed)), "listed")


def _check_loans(month: Mapping[str, JSON]) -> None:
    for name in ("member", "month"):
        read_text(month, name)
    loans, by_check = read_whole(month, "loans"), {one: read_whole(month, one) for one in CHECKS}
    _holds(loans == sum(by_check.values()), "lend_first")
    shown = f"{by_check['LATE'] + by_check['NEVER']}/{loans}" if loans >= LOANS_MIN else None
    _holds("ratio" in month and month["ratio"] == shown, "lend_first")


def npl_ratio(grid: Grid, column: str) -> str | None:
    """Return classes 3 to 5 by all, of a table by class in which neither is withheld."""
    bad = sum(_at(grid, row, column).balance_minor for row in _BAD)
    return rounded(ratio(bad, _at(grid, TOTAL, column).balance_minor))


def read_grid(figures: Mapping[str, JSON], name: str, rows: tuple[str, ...]) -> Grid:
    """Read a table, and add its lines up.

    Raises:
        ReceiptInvalid: it is none, or a total is not the sum of its line.
    """
    table = read_object(figures, name)
    _holds(table.keys() == {*rows, TOTAL}, name)
    grid: dict[tuple[str, str], Sums | None] = {}
    for row in table:
        line = read_object(table, row)
        for column, cell in line.items():
            grid[row, column] = None if cell is None else _sums(read_object(line, column))
    columns = {column for _, column in grid} - {TOTAL}
    lines = [[(row, column) for column in columns] + [(row, TOTAL)] for row in (*rows, TOTAL)]
    lines += [[(row, column) for row in rows] + [(TOTAL, column)] for column in (*columns, TOTAL)]
    for places in lines:
        found = [grid.get(place, Sums()) for place in places]
        told = [one for one in found if one is not None]
        if len(told) == len(found):
            *inner, total = told
            _holds(total == Sums(*map(sum, zip(*inner, strict=True))), name)
    return grid


def read_moves(figures: Mapping[str, JSON], *, whole: bool) -> list[list[int | None]]:
    """Read what moved from state to state, minor units.

    Raises:
        ReceiptInvalid: it is no square of the states, or something is withheld from the whole.
    """
    rolls = read_object(figures, "rolls")
    moved = rolls.get("moved_minor")
    _holds(rolls.get("states") == STATES and isinstance(moved, list), "rolls")
    square: list[list[int | None]] = []
    for row in moved if isinstance(moved, list) else []:
        cells = row if isinstance(row, list) else []
        told = [one for one in cells if one is None or (type(one) is int and one >= 0)]
        _holds(len(told) == len(cells) == len(STATES), "rolls")
        square.append([one if isinstance(one, int) else None for one in told])
    _holds(len(square) == len(STATES), "rolls")
    _holds(not whole or all(None not in row for row in square), "rolls")
    return square


def read_object(holder: Mapping[str, JSON], name: str) -> dict[str, JSON]:
    """Read an object.

    Raises:
        ReceiptInvalid: it is none.
    """
    value = holder.get(name)
    if not isinstance(value, dict):
        raise ReceiptInvalid(f"the report has no {name}")
    return value


def read_rows(holder: Mapping[str, JSON], name: str) -> list[dict[str, JSON]]:
    """Read a list of objects.

    Raises:
        ReceiptInvalid: it is none.
    """
    value = holder.get(name)
    if not isinstance(value, list):
        raise ReceiptInvalid(f"the report has no {name}")
    rows = [one for one in value if isinstance(one, dict)]
    _holds(len(rows) == len(value), name)
    return rows


def read_whole(holder: Mapping[str, JSON], name: str) -> int:
    """Read a whole number, 0 or more.

    Raises:
        ReceiptInvalid: it is none.
    """
    value = holder.get(name)
    if type(value) is not int or value < 0:
        raise ReceiptInvalid(f"{name} must be a whole number")
    return value


def read_text(holder: Mapping[str, JSON], name: str) -> str:
    """Read a text that is not empty.

    Raises:
        ReceiptInvalid: it is none.
    """
    value = holder.get(name)
    if not isinstance(value, str) or not value:
        raise ReceiptInvalid(f"{name} must be a text")
    return value


def _sums(cell: Mapping[str, JSON]) -> Sums:
    overdue = read_whole(cell, "overdue_minor") if "overdue_minor" in cell else 0
    return Sums(read_whole(cell, "accounts"), read_whole(cell, "balance_minor"), overdue)


def _at(grid: Grid, row: str, column: str) -> Sums:
    return grid.get((row, column)) or Sums()


def _holds(claim: bool, name: str) -> None:
    if not claim:
        raise ReceiptInvalid(f"the report does not add up ({name})")
