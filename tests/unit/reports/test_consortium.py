"""The consortium's report: it ties to the records, to members' own books, and withholds the few."""

from __future__ import annotations

import copy
import json
from collections import Counter, defaultdict
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.domain.records import Product, Status
from exchange.domain.reports.classes import STATES, five_class, stage
from exchange.domain.reports.consortium import Account
from exchange.domain.reports.lenders import LISTED_MAX
from exchange_client.book.classifying import classes
from exchange_client.book.loans import STATES as SDK_STATES
from exchange_client.book.provisions import Rate, Rates, provision
from exchange_client.book.reading import Book
from exchange_client.book.rolling import roll
from exchange_client.consortium.totals import check_totals
from exchange_client.errors import ReceiptInvalid
from tests.support.life.consortia import AS_OF, MEMBERS, accounts, counted, loan, names, record

Subjects = list[list[Account]]
HALF = Fraction(1, 2)
NOTHING = {"accounts": 0, "balance_minor": 0, "overdue_minor": 0}
subjects = st.lists(st.lists(accounts(), min_size=1, max_size=3), max_size=3)
few = settings(max_examples=25)


def figures(several: Subjects) -> dict[str, Any]:
    """Return what the regulator reads, as it comes out of its signed JSON."""
    sums = counted(several)
    return _plain(sums.shown(names(sums), {"months": []}))


def outward(several: Subjects) -> dict[str, Any]:
    """Return what members read."""
    return _plain(counted(several).shown_outward())


def _plain(value: object) -> dict[str, Any]:
    read = json.loads(json.dumps(value))
    assert isinstance(read, dict)
    return read


def held(several: Subjects) -> list[tuple[int, Account]]:
    """Return the accounts that a report sums, each with its subject."""
    return [
        (number, one)
        for number, each in enumerate(several)
        for one in each
        if one.now.open and one.now.role == "borrower" and one.now.currency == "CNY"
    ]


@few
@given(subjects)
def test_every_total_ties_to_the_records_to_the_minor_unit(several: Subjects) -> None:
    """A report that is a cent off is one that somebody must explain to a supervisor."""
    told = figures(several)

    for name, measure in (("classes", five_class), ("stages", stage)):
        expected: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        for _, one in held(several):
            for row in (str(measure(one.now)), "TOTAL"):
                for column in (one.member, "TOTAL"):
                    expected[row, column]["accounts"] += 1
                    expected[row, column]["balance_minor"] += one.now.balance_minor
                    expected[row, column]["overdue_minor"] += one.now.overdue_minor
        found = {(row, col): cell for row, line in told[name].items() for col, cell in line.items()}
        assert expected == found
    check_totals(told, whole=True)


@few
@given(subjects)
def test_each_members_line_is_its_own_book_as_the_sdk_sums_it(several: Subjects) -> None:
    """A lender whose own report differs from the regulator's would be asked which one lies."""
    told = figures(several)
    rates = Rates(by_stage=dict.fromkeys("123", Rate(pd=HALF, lgd=HALF)))

    for member in MEMBERS:
        own = [
            loan(f"acc-{n}", number, one.now)
            for n, (number, one) in enumerate(held(several))
            if one.member == member
        ]
        theirs, stages = classes(own), provision(own, rates).table
        for row in "12345":
            assert theirs.table.at(row).shown() == told["classes"][row].get(member, NOTHING)
        for row in "123":
            assert stages.at(row).shown() == told["stages"][row].get(member, NOTHING)


@few
@given(subjects)
def test_balances_roll_as_they_do_in_a_members_own_book(several: Subjects) -> None:
    """Two ways to count the same moves would give two forecasts of the same losses."""
    assert STATES == SDK_STATES
    flat = [
        (f"acc-{number}-{n}", number, one)
        for number, each in enumerate(several)
        for n, one in enumerate(each)
        if one.now.currency == "CNY" and one.now.role == "borrower"
    ]
    months: list[dict[str, Any]] = [{}, {}, {}]
    for name, number, one in flat:
        if one.then is not None:  # Told in the second month, or in the first alone.
            months[1 if one.told_then else 0][name] = loan(name, number, one.then)
        if one.told_now:
            months[2][name] = loan(name, number, one.now)
    books = [
        Book(month=24_312 + n, as_of=AS_OF, currency="CNY", loans=loans, sources=())
        for n, loans in enumerate(months)
    ]
    *_, last = roll(books)

    rolls = figures(several)["rolls"]

    assert [list(row) for row in last.moved] == rolls["moved_minor"]


def test_a_sold_debt_rolls_once_as_it_was_sold_and_is_gone_the_month_after() -> None:
    """Counted on at the seller, a sold debt would be owed twice."""
    sold = record(Status.SOLD, 31, balance_minor=70)

    leaving = figures([[Account("lender-a", sold, record(balance_minor=60), True, True)]])
    gone = figures([[Account("lender-a", sold, sold, False, True)]])

    assert 60 == leaving["rolls"]["moved_minor"][0][2]
    assert 0 == sum(map(sum, gone["rolls"]["moved_minor"]))
    assert 0 == leaving["accounts"] == gone["accounts"]


def test_a_debtor_is_bad_everywhere_once_a_fifth_of_all_it_owes_is_late() -> None:
    """The rule of a fifth looks across lenders; no lender can apply it alone."""

    def business(late_minor: int, number: int) -> list[Account]:
        good = record(balance_minor=800 - late_minor, product=Product.BUSINESS_LOAN)
        at_90 = record(Status.OVERDUE, 90, balance_minor=200)
        late = record(Status.OVERDUE, 91, balance_minor=late_minor)
        return [Account(MEMBERS[number], one, None, True, False) for one in (good, at_90, late)]

    retail = [Account("lender-a", record(Status.OVERDUE, 400), None, True, False)]

    told = figures([business(200, 0), business(201, 1), retail])["cross_lender"]

    assert (2, 1, 1_000) == (told["debtors"], told["flagged"], told["flagged_minor"])
    assert {"lender-b": 799} == told["better_minor"]  # 200 of it at 90 days are of class 2
    [listed] = told["listed"]
    assert ("0.201000", 1) == (listed["share"], listed["lenders"])
    assert "p:" + (1).to_bytes(16, "big").hex() == listed["subject"]


def test_of_many_bad_debtors_the_largest_are_named() -> None:
    """A list that grows with the crisis would not fit into its own signature."""
    late = [
        record(Status.OVERDUE, 91, balance_minor=1_000 + n, product=Product.BUSINESS_LOAN)
        for n in range(LISTED_MAX + 5)
    ]

    told = figures([[Account("lender-a", one, None, True, False)] for one in late])

    listed = [one["balance_minor"] for one in told["cross_lender"]["listed"]]
    assert [1_000 + n for n in reversed(range(5, LISTED_MAX + 5))] == listed
    assert LISTED_MAX + 5 == told["cross_lender"]["flagged"]
    check_totals(told, whole=True)


def test_subjects_are_counted_by_their_lenders_and_lenders_by_their_shares() -> None:
    """How many borrow from several is what the exchange is for."""

    def owing(*members: str) -> list[Account]:
        return [Account(one, record(balance_minor=100), None, True, False) for one in members]

    guaranteed = Account("lender-c", record(role="guarantor"), None, True, False)
    several = [owing("lender-a"), owing("lender-a", "lender-a"), owing("lender-a", "lender-b")]
    several += [[*owing("lender-b"), guaranteed], owing(*MEMBERS)]

    told = figures(several)

    bands = {band: told["lenders"][band]["subjects"] for band in ("1", "2", "3+")}
    assert {"1": 3, "2": 1, "3+": 1} == bands
    assert {"lender-a": 4, "lender-b": 3, "lender-c": 1, "lender-d": 1} == told["lenders"][
        "subjects_of"
    ]
    assert "0.360000" == told["lender_hhi"]  # (5² + 3² + 1² + 1²) / 10²


@pytest.mark.parametrize(
    "spoil",
    [
        lambda told: told["classes"]["1"]["lender-a"].update(balance_minor=1),
        lambda told: told["stages"]["1"]["TOTAL"].update(overdue_minor=1),
        lambda told: told["stages"].pop("3"),
        lambda told: told["products"]["TOTAL"]["TOTAL"].update(accounts=1),
        lambda told: told["products"]["1"].update(bnpl=None),
        lambda told: told["npl_ratio"].update(TOTAL="0.000001"),
        lambda told: told.update(lender_hhi="0.999999"),
        lambda told: told.update(accounts=0),
        lambda told: told["lenders"]["3+"].update(balance_minor=0),
        lambda told: told["cross_lender"].update(share="0.500000"),
        lambda told: told["cross_lender"].update(flagged=2),
        lambda told: told["cross_lender"]["listed"][0].update(late_minor=1),
        lambda told: told["cross_lender"]["better_minor"].update(x=10**9),
        lambda told: told["lend_first"]["months"][0].update(LATE=0),
        lambda told: told["lend_first"]["months"][0].update(ratio=None),
        lambda told: told["rolls"]["moved_minor"][3].pop(),
        lambda told: told["rolls"]["moved_minor"][3].__setitem__(3, -1),
    ],
)
def test_figures_that_do_not_follow_from_each_other_are_refused(
    spoil: Callable[[dict[str, Any]], object],
) -> None:
    """A signature says who spoke, not that the sum is right."""
    late = record(Status.OVERDUE, 91, balance_minor=900, product=Product.BUSINESS_LOAN)
    told = figures(
        [[Account(one, each, None, True, False) for one in MEMBERS] for each in (record(), late)]
    )
    checks = {"IN_TIME": 15, "STALE": 0, "LATE": 2, "NEVER": 3}
    month = {"member": "lender-a", "month": "2026-03", "loans": 20, **checks, "ratio": "5/20"}
    told["lend_first"]["months"] = [month]
    check_totals(told, whole=True)
    spoilt = copy.deepcopy(told)
    spoil(spoilt)

    with pytest.raises(ReceiptInvalid):
        check_totals(spoilt, whole=True)
