"""What members may read of the consortium tells of no single borrower and of no single lender."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.domain.records import Status
from exchange.domain.reports.classes import STATES
from exchange.domain.reports.consortium import LENDERS_MIN, Account
from exchange.domain.reports.suppression import TOTAL, Cell, Crowd, withheld
from exchange_client.consortium.totals import check_totals
from tests.client.book.test_suppressing import solved
from tests.support.life.consortia import MEMBERS, counted, record
from tests.unit.reports.vectors import Case, read


@pytest.mark.parametrize(("case", "expected"), read(), ids=lambda one: getattr(one, "why", ""))
def test_server_and_sdk_withhold_the_same(case: Case, expected: set[tuple[str, str]]) -> None:
    """One rule in two programs: where they differ, the laxer one leaks."""
    assert expected == case.by_sdk()
    assert expected == case.by_exchange()


def crowd(*parts: tuple[str, int, int]) -> Crowd:
    """Return a cell: of each member so many subjects, and what each owes."""
    made, number = Crowd(), 0
    for member, subjects, minor in parts:
        for _ in range(subjects):
            number += 1
            made.add(number, member, minor)
    return made


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ((), False),
        ((("a", 4, 10), ("b", 3, 10), ("c", 3, 10)), False),
        ((("a", 4, 10), ("b", 3, 10), ("c", 2, 10)), True),  # nine subjects
        ((("a", 20, 10), ("b", 20, 10)), True),  # each knows the other's part
        ((("a", 10, 85), ("b", 10, 10), ("c", 10, 5)), False),  # 85 % of the balance
        ((("a", 10, 86), ("b", 10, 9), ("c", 10, 5)), True),
        ((("a", 86, 1), ("b", 7, 20), ("c", 7, 20)), True),  # 86 % of the accounts
        ((("a", 85, 1), ("b", 8, 20), ("c", 7, 20)), False),
        ((("a", 4, 0), ("b", 3, 0), ("c", 3, 0)), False),
    ],
)
def test_few_subjects_two_lenders_or_one_that_dominates_are_withheld(
    parts: tuple[tuple[str, int, int], ...], expected: bool
) -> None:
    """Whoever is one of two in a cell subtracts itself and has the other's book."""
    assert expected is crowd(*parts).unsafe


def test_ten_subjects_in_two_cells_are_ten_and_five_in_both_are_five() -> None:
    """Holes that share their subjects hide fewer than their numbers say."""
    one, same, other = Crowd(), Crowd(), Crowd()
    for number in range(5):
        for member in "abc":
            one.add(number, member, 10)
            same.add(number, member, 10)
            other.add(number + 5, member, 10)

    one.join(same)
    few = one.unsafe
    one.join(other)

    assert (True, False) == (few, one.unsafe)


CELL = st.lists(
    st.tuples(st.sampled_from("abcd"), st.sampled_from((1, 3, 10)), st.sampled_from((0, 10, 900))),
    max_size=4,
)


@settings(max_examples=40)
@given(st.data(), st.integers(1, 4), st.integers(1, 4))
def test_nothing_withheld_of_the_consortium_can_be_solved_for(
    data: st.DataObject, height: int, width: int
) -> None:
    """A hole that a subtraction fills protects nobody."""
    rows, columns = "abcd"[:height], "wxyz"[:width]
    drawn = {(row, column): crowd(*data.draw(CELL)) for row in rows for column in columns}
    inner: dict[Cell, Crowd] = {cell: found for cell, found in drawn.items() if found.accounts}

    hidden = withheld(rows, columns, inner)

    assert {cell for cell, found in inner.items() if found.unsafe} <= hidden
    named = {tuple(one.replace(TOTAL, "total") for one in cell) for cell in hidden}
    assert not any(solved(rows, columns, frozenset((r, c) for r, c in named)).values())


def portfolio(members: tuple[str, ...], late: int = 40) -> list[list[Account]]:
    """Return a hundred subjects with a loan at each of some lenders, some of them late."""
    told = []
    for number in range(100):
        said = record(Status.OVERDUE, 100) if number < late else record()
        told.append([Account(one, said, said, True, True) for one in members])
    return told


def test_members_read_sums_and_never_one_members_figures() -> None:
    """What a competitor holds is nobody's business, a market's risk is everybody's."""
    told = json.loads(json.dumps(counted(portfolio(MEMBERS)).shown_outward()))

    check_totals(told, whole=False)
    assert {TOTAL: "0.400000"} == told["npl_ratio"]
    assert 100 == told["lenders"]["3+"]["subjects"]
    assert not any(member in json.dumps(told) for member in MEMBERS)
    assert {"products", "npl_ratio", "lenders", "lender_hhi", "rolls"} == told.keys()
    assert 160 == told["products"]["3"]["cash_loan"]["accounts"]


def test_few_late_subjects_are_withheld_from_members_and_not_to_be_had_from_the_ratio() -> None:
    """A ratio over a withheld cell gives the cell away."""
    told = counted(portfolio(MEMBERS, late=3)).shown_outward()

    assert {TOTAL: None} == told["npl_ratio"]
    lines = told["products"]
    assert isinstance(lines, dict)
    assert lines["3"][TOTAL] is None
    assert lines["1"][TOTAL] is None
    rolls = told["rolls"]
    assert isinstance(rolls, dict)
    bucket_4 = rolls["moved_minor"][4]  # A row whose sum is withheld tells nothing of its cells.
    assert [None] * len(STATES) == bucket_4


def test_in_a_small_consortium_members_read_nothing() -> None:
    """Of three lenders two can put their books together and have the third's."""
    members = MEMBERS[: LENDERS_MIN - 1]

    told = counted(portfolio(members)).shown_outward()

    numbers = Counter(type(one).__name__ for one in _leaves(told))
    assert {"NoneType", "str"} == numbers.keys()


def _leaves(value: object) -> list[object]:
    if isinstance(value, dict):
        return [leaf for one in value.values() for leaf in _leaves(one)]
    if isinstance(value, list):
        return [leaf for one in value for leaf in _leaves(one)]
    return [value]
