"""Roll rates and vintages, by hand and as properties."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange_client.book.loans import STATES, month_of
from exchange_client.book.reading import read_books
from exchange_client.book.rolling import RollMonth, mean, roll
from exchange_client.book.vintages import vintages
from exchange_client.errors import UsageError
from tests.support.life.books import loan, month_end, series, write

ONE = Fraction(1)
SOLD = loan("sold", "2026-02", 108, balance_minor=40, overdue_minor=9, status="SOLD")
RENUMBERED: dict[str, Any] = {"reason": "RENUMBER", "previous_ref": "old-name"}
MONTHS = ["2026-01", "2026-02", "2026-03"]


def months(folder: Path, told: dict[str, list[dict[str, object]]]) -> list[Path]:
    """Write a file a month."""
    return [write(folder / month, rows) for month, rows in told.items()]


def moved(step: RollMonth) -> dict[str, int]:
    """Return what moved, by the letters of both states."""
    return {
        STATES[before] + STATES[now]: amount
        for before, row in enumerate(step.moved)
        for now, amount in enumerate(row)
        if amount
    }


def test_a_small_book_rolls_as_worked_out_by_hand(tmp_path: Path) -> None:
    """Who sets prices by these rates must be able to check one with a pencil."""
    told = {
        "2026-01": [
            loan("stays", "2026-01", balance_minor=300),
            loan("falls", "2026-01", balance_minor=100, principal_minor=100),
            loan("worse", "2026-01", 20, balance_minor=200, overdue_minor=9),
            loan("cured", "2026-01", 20, balance_minor=600, overdue_minor=9),
            loan("paid", "2026-01", 20, balance_minor=50, overdue_minor=9),
            loan("lost", "2026-01", 170, balance_minor=70, overdue_minor=9),
            loan("sold", "2026-01", 80, balance_minor=40, overdue_minor=9),
            loan("silent", "2026-01", balance_minor=25),
            loan("old-name", "2026-01", balance_minor=5),
            loan("guarantor", "2026-01", balance_minor=5, role="guarantor"),
        ],
        "2026-02": [
            loan("stays", "2026-02", balance_minor=290),
            loan("falls", "2026-02", 3, balance_minor=100, overdue_minor=9),
            loan("worse", "2026-02", 48, balance_minor=210, overdue_minor=9),
            loan("cured", "2026-02", balance_minor=590),
            loan("paid", "2026-02", status="SETTLED"),
            loan("lost", "2026-02", 198, balance_minor=70, overdue_minor=9, status="CHARGED_OFF"),
            SOLD,
            loan("new", "2026-02", balance_minor=1_000, opened_on="2026-02-03"),
            loan("new-name", "2026-02", balance_minor=5, **RENUMBERED),
        ],
        "2026-03": [
            loan("stays", "2026-03", balance_minor=280),
            loan("silent", "2026-03", 5, balance_minor=25, overdue_minor=9),
            SOLD,
        ],
    }

    first, second = roll(read_books(months(tmp_path, told)))

    assert {
        **{"00": 305, "01": 100, "0X": 25},
        **{"12": 200, "10": 600, "1C": 50},
        **{"6B": 70, "34": 40},
    } == moved(first)
    assert (1_000, 430) == (first.opened_minor, first.base(0))
    assert [Fraction(305, 430), Fraction(100, 430)] == list(first.rates(0) or ())[:2]
    assert {
        **{"00": 290, "0X": 590 + 1_000 + 5, "1X": 100, "2X": 210},
        **{"BX": 70, "X1": 25},
    } == moved(second)
    assert 0 == second.opened_minor  # what was sold and is told of again opens no second time


def test_an_unbroken_row_of_months_is_asked_for(tmp_path: Path) -> None:
    """What happened in two months is no monthly rate."""
    files = months(tmp_path, {month: [loan("a", month)] for month in ("2026-01", "2026-03")})

    with pytest.raises(UsageError, match="no file of 2026-02"):
        list(roll(read_books(files)))
    with pytest.raises(UsageError, match="two following months"):
        mean(list(roll(read_books(files[:1]))))


def test_a_history_that_denies_a_file_is_counted_and_the_file_stands(tmp_path: Path) -> None:
    """Two words about one month must not pass in silence."""
    told = {
        "2026-02": [loan("a", "2026-02", 10), loan("b", "2026-02", 10)],
        "2026-03": [
            loan("a", "2026-03", 41, history="21"),
            loan("b", "2026-03", 41, history="22"),
        ],
    }

    (step,) = roll(read_books(months(tmp_path, told)))

    assert (1, {"12": 1_200_000}) == (step.differs, moved(step))


def test_rows_add_up_to_one_and_balances_to_the_books(tmp_path: Path) -> None:
    """A rate that loses money on the way makes every projection too rosy."""
    files = series(tmp_path, MONTHS, loans=60)
    books = list(read_books(files))

    steps = list(roll(books))

    for step, book in zip(steps, books, strict=False):
        held = sum(one.balance_minor for one in book.held)
        assert held == sum(step.base(state) for state in range(len(STATES)))
        assert all(ONE == sum(row) for at in range(11) if (row := step.rates(at)))
    average = mean(steps)
    assert [ONE] * len(STATES) == [sum(row) for row in average]
    assert ONE == average[STATES.index("B")][STATES.index("B")]  # never seen: stays as it is


def test_the_mean_is_of_the_last_twelve_months_in_which_a_state_held_something() -> None:
    """A month without a bucket says nothing of where it rolls to."""

    def step(month: int, now: int, amount: int) -> RollMonth:
        empty = (0,) * len(STATES)
        first = tuple(amount if at == now else 0 for at in range(len(STATES)))
        moves = (first, *[empty] * (len(STATES) - 1))
        return RollMonth(month=month, moved=moves, opened_minor=0, differs=0, hidden=frozenset())

    steps = [step(0, 7, 5), step(1, 7, 0), step(2, 1, 9), *(step(at, 0, 1) for at in range(3, 13))]

    average = mean(steps)

    assert (Fraction(10, 11), Fraction(1, 11), Fraction(0)) == (
        average[0][0],
        average[0][1],
        average[0][7],
    )


def test_a_vintage_is_as_worked_out_by_hand(tmp_path: Path) -> None:
    """How early a month's loans go bad decides what is lent next month."""
    opened: dict[str, Any] = {"opened_on": "2025-11-05"}
    told = {
        "2026-02": [
            loan("early", "2026-02", 95, principal_minor=100, **opened),
            loan("late", "2026-02", 60, principal_minor=300, **opened),
            loan("once", "2026-02", principal_minor=500, history="N4", **opened),
            loan("closed", "2026-02", principal_minor=60, status="GUARANTOR_PAID", **opened),
            loan("sold", "2026-02", 95, principal_minor=7, status="SOLD", history="GNN", **opened),
            loan("old-name", "2026-02", 95, principal_minor=2, **opened),
            loan("young", "2026-02", principal_minor=9, opened_on="2026-02-05"),
        ],
        "2026-03": [
            loan("early", "2026-03", principal_minor=100, **opened),
            loan("late", "2026-03", 91, principal_minor=300, **opened),
            loan("once", "2026-03", principal_minor=500, history="NNNNN", **opened),
            loan("good", "2026-03", principal_minor=40, history="NNNNN", **opened),
            loan("new-name", "2026-03", principal_minor=2, **RENUMBERED, **opened),
        ],
    }

    november, february = vintages(read_books(months(tmp_path, told)))

    # `once` took its word of January back in March: the newer word stands.
    assert (1_009, 7) == (november.principal_minor, november.loans)
    assert (0, 0, 0, 169, 469) == november.bad_minor
    assert [0, Fraction(169, 1_009), Fraction(469, 1_009)] == [november.rate(k) for k in (2, 3, 4)]
    assert (9, (0, 0), 1) == (february.principal_minor, february.bad_minor, february.untold)
    assert 5 == november.untold  # all but once and good: nobody told of their first months


AGES = st.tuples(st.integers(0, 200), st.integers(0, 200), st.integers(0, 200))


@given(st.lists(st.tuples(AGES, st.integers(1, 10**9)), min_size=1, max_size=4))
def test_a_vintage_never_falls(
    tmp_path_factory: pytest.TempPathFactory, loans: list[tuple[tuple[int, int, int], int]]
) -> None:
    """A loan that was once over 90 days late has been so for ever."""
    folder = tmp_path_factory.mktemp("vintages")
    told = {
        month: [
            loan(f"a-{n}", month, ages[at], principal_minor=size, opened_on="2025-06-01")
            for n, (ages, size) in enumerate(loans)
        ]
        for at, month in enumerate(MONTHS)
    }

    (one,) = vintages(read_books(months(folder, told)))

    rates = [one.rate(k) or 0 for k in range(len(one.bad_minor))]
    assert rates == sorted(rates)
    assert sum(size for ages, size in loans if max(ages) > 90) == one.bad_minor[-1]
    assert one.month + len(rates) - 1 == month_of(month_end("2026-03"))
