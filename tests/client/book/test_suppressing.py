"""What leaves a member tells of no single borrower: tried by solving for what was withheld."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange_client.book.classifying import classes
from exchange_client.book.loans import STATES
from exchange_client.book.provisions import Rate, Rates, provision
from exchange_client.book.reading import read_books
from exchange_client.book.rolling import mean_hidden, roll
from exchange_client.book.suppressing import TOTAL, Cell, unsafe, withheld
from exchange_client.book.vintages import vintages
from exchange_client.cli.book.telling import table_values
from tests.support.life.books import loan, series, write

MONTHS = ["2026-01", "2026-02", "2026-03"]
Amounts = Counter[int]


def people(first: int, number: int, amount: int = 10) -> Amounts:
    """Return so many borrowers with an amount each."""
    return Counter({subject: amount for subject in range(first, first + number)})


@pytest.mark.parametrize(
    ("amounts", "expected"),
    [
        (people(0, 0), False),
        (people(0, 1), True),
        (people(0, 9), True),
        (people(0, 10), False),
        (people(0, 10, 0), False),
        (people(0, 10, 3) + Counter({99: 170}), False),  # 85 % of 200
        (people(0, 10, 3) + Counter({99: 171}), True),
    ],
)
def test_a_sum_of_few_or_of_one_that_dominates_is_unsafe(amounts: Amounts, expected: bool) -> None:
    """Ten borrowers of whom one owes nearly all are one borrower."""
    assert expected is unsafe(amounts)


def solved(
    rows: Sequence[str], columns: Sequence[str], hidden: frozenset[Cell]
) -> dict[Cell, bool]:
    """Tell of each hidden cell whether the totals leave it one value only.

    By Cramer's way around: a cell is free if some change of the hidden cells that keeps every
    equation changes it. The changes are the null space, found by elimination on the transpose.
    """
    names = sorted(hidden)
    lines = [[(row, column) for column in (*columns, TOTAL)] for row in (*rows, TOTAL)]
    lines += [[(row, column) for row in (*rows, TOTAL)] for column in (*columns, TOTAL)]
    # One row a hidden cell: its factor in each equation, then a unit vector.
    table = [
        [Fraction(-1 if cell == line[-1] else 1) * (cell in line) for line in lines]
        + [Fraction(name == cell) for name in names]
        for cell in names
    ]
    at = 0
    for column in range(len(lines)):
        pivot = next((n for n in range(at, len(table)) if table[n][column]), None)
        if pivot is None:
            continue
        table[at], table[pivot] = table[pivot], table[at]
        for n in range(at + 1, len(table)):
            times = table[n][column] / table[at][column]
            table[n] = [one - times * base for one, base in zip(table[n], table[at], strict=True)]
        at += 1
    changes = [row[len(lines) :] for row in table[at:]]
    return {cell: not any(change[n] for change in changes) for n, cell in enumerate(names)}


def check(rows: Sequence[str], columns: Sequence[str], inner: dict[Cell, Amounts]) -> None:
    """Withhold, and try everything that a reader of the table can do."""
    hidden = withheld(rows, columns, inner)

    whole: dict[Cell, Amounts] = {}
    for (row, column), amounts in inner.items():
        for cell in ((row, column), (row, TOTAL), (TOTAL, column), (TOTAL, TOTAL)):
            whole.setdefault(cell, Counter()).update(amounts)
    assert all(cell in hidden for cell, amounts in whole.items() if unsafe(amounts))
    assert not any(solved(rows, columns, hidden).values())
    for row in rows:
        holes = [(row, column) for column in columns if (row, column) in hidden]
        together = sum((inner.get(cell, Counter()) for cell in holes), Counter[int]())
        assert (row, TOTAL) in hidden or not unsafe(together)
    if not any(unsafe(amounts) for amounts in whole.values()):
        assert frozenset() == hidden


CELL = st.builds(
    lambda first, number, large: people(first, number) + Counter({first: large} if number else {}),
    st.integers(0, 60),
    st.sampled_from((0, 0, 1, 3, 9, 10, 12, 30)),
    st.sampled_from((0, 0, 0, 5_000)),
)


@given(st.data(), st.integers(1, 5), st.integers(1, 5))
def test_nothing_withheld_can_be_solved_for(data: st.DataObject, height: int, width: int) -> None:
    """A hole that a subtraction fills protects nobody."""
    rows, columns = "abcde"[:height], "vwxyz"[:width]
    inner = {(row, column): data.draw(CELL) for row in rows for column in columns}

    check(rows, columns, {cell: amounts for cell, amounts in inner.items() if amounts})


def test_two_rings_of_holes_do_not_give_away_the_one_between_them() -> None:
    """Each line has two holes, and still one of them could be had: it must get company."""
    inner = {(row, column): people(100, 40) for row in "abcde" for column in "vwxyz"}
    few = ["av", "aw", "bv", "bw", "cx", "cy", "dx", "dy", "ax"]
    # A chain of two squares, (a b)(v w) and (c d)(x y), joined by (a, x) alone.
    inner |= {(cell[0], cell[1]): people(1_000 * n, 9) for n, cell in enumerate(few, 1)}

    check("abcde", "vwxyz", inner)


def test_a_small_table_is_withheld_as_worked_out_by_hand() -> None:
    """The next smallest cell goes too, and no more than is needed."""
    inner = {
        ("a", "x"): people(0, 3),
        ("a", "y"): people(10, 20),
        ("a", "z"): people(40, 50),
        ("b", "x"): people(100, 30),
        ("b", "y"): people(200, 40),
        ("b", "z"): people(300, 60),
    }

    hidden = withheld("ab", "xyz", inner)

    assert {("a", "x"), ("a", "y"), ("b", "x"), ("b", "y")} == hidden
    del inner["a", "y"]  # an empty cell hides nothing well: who knows it to be so, subtracts
    assert {("a", "x"), ("a", "z"), ("b", "x"), ("b", "z")} == withheld("ab", "xyz", inner)
    assert {("a", "x"), ("a", TOTAL)} < withheld("a", "x", {("a", "x"): people(0, 3)})


def test_reports_that_leave_keep_their_sums_and_ratios_to_themselves(tmp_path: Path) -> None:
    """A ratio over a withheld cell gives the cell away."""
    (book,) = read_books(series(tmp_path, ["2026-03"], loans=40))
    rate = Rate(pd=Fraction(1, 10), lgd=Fraction(1, 2))
    rates = Rates(by_stage=dict.fromkeys("123", rate))
    inside, outside = classes(book.held), classes(book.held, outward=True)

    assert inside.table.total.accounts == outside.table.total.accounts
    assert inside.npl_ratio is not None
    assert outside.npl_ratio is None
    few = [one for one in book.held if one.product != "bnpl" or one.subject < 6]
    assert classes(few, outward=True).concentration is None
    assert classes(few).concentration is not None
    assert outside.table.shown("2") is None
    assert not provision(book.held, rates, outward=True).whole
    assert provision(book.held, rates).whole


def test_what_is_withheld_is_never_left_out_for_being_empty(tmp_path: Path) -> None:
    """A hole that is missing is known to be empty, and its neighbour is known with it."""
    rows = [loan(f"a-{n}", "2026-03", product="bnpl") for n in range(20)]
    rows += [loan(f"b-{n}", "2026-03", 10, product="bnpl") for n in range(3)]
    rows += [loan(f"c-{n}", "2026-03", 10, product="lease") for n in range(20)]
    (book,) = read_books([write(tmp_path / "book", rows)])

    table = classes(book.held, outward=True).table

    values = table_values(table)
    nulls = {
        (row, column)
        for row, columns in values.items()
        if isinstance(columns, dict)
        for column, sums in columns.items()
        if sums is None
    }
    assert table.hidden == nulls
    assert any(table.at(*cell).accounts == 0 for cell in nulls)


def test_a_roll_that_leaves_hides_the_moves_of_few(tmp_path: Path) -> None:
    """One borrower in a bucket can be followed from month to month."""
    rows = {
        month: [loan(f"a-{n}", month, 20 if month == "2026-02" and n < 4 else 0) for n in range(40)]
        for month in MONTHS
    }
    rows["2026-02"].append(loan("paid", "2026-02", status="SETTLED"))
    books = read_books([write(tmp_path / month, told) for month, told in rows.items()])

    steps = list(roll(books, outward=True))

    hidden = steps[0].hidden
    assert ("0", "1") in hidden
    assert 2 <= len([cell for cell in hidden if cell[0] == "0"])
    assert {("0", "1"), ("0", "0")} <= mean_hidden(steps)
    # Of a state in which only four stood no rate is told, nor one of the settled who are silent.
    assert {("1", state) for state in STATES} <= mean_hidden(steps)
    assert ("C", "X") not in steps[1].hidden


def test_a_vintage_that_leaves_moves_only_in_safe_steps(tmp_path: Path) -> None:
    """The step from one month to the next is a cell like every other."""

    def age(number: int, month: str) -> int:
        fallen = {"2026-01": 0, "2026-02": 4, "2026-03": 14}[month]
        return 95 if number < fallen else 0

    rows = {
        month: [
            loan(f"a-{n}", month, age(n, month), principal_minor=100, opened_on="2025-10-05")
            for n in range(40)
        ]
        for month in MONTHS
    }
    files = [write(tmp_path / month, told) for month, told in rows.items()]

    (inside,) = vintages(read_books(files))
    (outside,) = vintages(read_books(files), outward=True)

    assert (0, 0, 0, 0, 400, 1_400) == inside.bad_minor
    assert (0, 0, 0, 0, None, 1_400) == outside.bad_minor
    told = [one for one in outside.bad_minor if one is not None]
    assert all(step == 0 or step >= 1_000 for step in (b - a for a, b in pairwise(told)))
    last = [loan(f"a-{n}", "2026-03", 95, opened_on="2025-10-05") for n in range(36)]
    most = vintages(
        read_books([write(tmp_path / "most", last + rows["2026-03"][36:])]), outward=True
    )
    assert most[0].bad_minor[-1] is None  # or it would tell of the four who are left
    few = vintages(read_books([write(tmp_path / "few", rows["2026-03"][:9])]), outward=True)
    assert (None, {None}) == (few[0].principal_minor, set(few[0].bad_minor))
