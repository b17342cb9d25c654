"""Classes, provision and stress, by hand; what must add up, and what must stay the same."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from math import sqrt
from pathlib import Path
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange_client.book.classifying import classes
from exchange_client.book.defaults import Exposure, draw_losses, drawn
from exchange_client.book.loans import STATES, Loan, rounded
from exchange_client.book.provisions import Rate, Rates, provision, read_rates
from exchange_client.book.reading import read_book, read_books
from exchange_client.book.rolling import mean, roll
from exchange_client.book.scenarios import checked, projected, read_matrix, worsened
from exchange_client.book.stressing import Scenario, stress
from exchange_client.errors import RowSumInvalid, UsageError
from tests.support.life.books import loan, series, write

MONTH = "2026-03"
MONTHS = ["2025-11", "2025-12", "2026-01", "2026-02", MONTH]
HALF = Fraction(1, 2)
RATES = Rates(
    by_stage={
        "1": Rate(pd=Fraction("0.02"), lgd=Fraction("0.45")),
        "2": Rate(pd=Fraction("0.15"), lgd=Fraction("0.45")),
        "3": Rate(pd=Fraction(1), lgd=Fraction("0.7")),
    }
)


def book_of(folder: Path) -> list[Loan]:
    """Return a book whose sums a pencil can check."""
    rows = [
        loan("good", MONTH, balance_minor=1_001),
        loan("watched", MONTH, 31, balance_minor=203, overdue_minor=5, product="bnpl"),
        loan("bad", MONTH, 95, balance_minor=307, overdue_minor=5, product="bnpl"),
        loan("lost", MONTH, 400, balance_minor=11, overdue_minor=5, status="CHARGED_OFF"),
        loan("gone", MONTH, status="SETTLED"),
        loan("sold", MONTH, 95, balance_minor=900, overdue_minor=5, status="SOLD"),
        loan("guarantor", MONTH, 95, balance_minor=307, overdue_minor=5, role="guarantor"),
    ]
    return read_book([write(folder / "book.ndjson", rows)]).held


def test_the_five_classes_are_as_worked_out_by_hand(tmp_path: Path) -> None:
    """A supervisor compares these figures with its own."""
    found = classes(book_of(tmp_path))

    assert [1_001, 203, 307, 0, 11] == [found.table.at(str(n)).balance_minor for n in range(1, 6)]
    assert (1_522, 4) == (found.table.total.balance_minor, found.table.total.accounts)
    assert Fraction(318, 1_522) == found.npl_ratio
    assert Fraction(1_012**2 + 510**2, 1_522**2) == found.concentration


def test_the_provision_is_as_worked_out_by_hand(tmp_path: Path) -> None:
    """What is put aside must be what the member's own rates ask for, rounded once."""
    loans = book_of(tmp_path)

    found = provision(loans, RATES)
    booked = provision(loans, Rates(by_stage=RATES.by_stage, stock_minor=400))

    needed = Fraction("9.009") + Fraction("13.7025") + Fraction("222.6")
    assert needed == sum(found.needed(stage) for stage in ("1", "2", "3"))
    assert (245, 245) == (found.needed_minor, found.stock_minor)
    assert (Fraction(400, 318), Fraction(400, 1_522)) == (booked.coverage, booked.loan_ratio)
    assert "1.257862" == rounded(booked.coverage)


def test_an_empty_or_healthy_book_divides_by_nothing(tmp_path: Path) -> None:
    """A book without bad loans is no reason for a traceback."""
    assert (None, None) == (classes([]).npl_ratio, classes([]).concentration)
    good = [one for one in book_of(tmp_path) if one.account_ref == "good"]
    assert provision(good, RATES).coverage is None
    assert Fraction(0) == classes(good).npl_ratio


def test_rates_are_read_exactly_and_faults_are_named(tmp_path: Path) -> None:
    """A PD of 0.1 must be a tenth, and a slip of the pen must be found at once."""
    path = tmp_path / "rates.toml"
    good = "".join(f'[stage.{n}]\npd = 0.1\nlgd = "0.3"\n' for n in (1, 2, 3))
    path.write_text(f"stock_minor = 7\n{good}")

    read = read_rates(path)

    assert (7, Fraction(1, 10)) == (read.stock_minor, read.by_stage["2"].pd)
    for content, said in {
        good.replace("0.1", "1.5", 1): r"rates.toml: stage.1.pd: must be 0 to 1",
        good.replace("0.1", "nan", 1): r"stage.1.pd: must be 0 to 1",
        good.replace('"0.3"', '"a"', 1): r"stage.1.lgd: must be 0 to 1",
        good.replace("lgd", "lgx", 1): r"stage.1: must hold pd and lgd",
        good.replace("[stage.3]", "[stage.4]"): r"stage: must hold",
        f"stock_minor = -1\n{good}": r"stock_minor: must be minor units",
        f"stocks = 1\n{good}": r"stocks: no such field",
        "[": r"no TOML: ",
    }.items():
        path.write_text(content)
        with pytest.raises(UsageError, match=said):
            read_rates(path)


def test_no_severity_and_no_shift_is_the_book_as_it_is(tmp_path: Path) -> None:
    """A stress whose mildest case differs from reality measures its own error."""
    books = list(read_books(series(tmp_path, MONTHS, loans=40)))
    matrix, loans = mean(list(roll(books))), books[-1].held
    calm = Scenario(correlation=0.3, draws=500)

    before, after = stress(loans, matrix, RATES, calm)
    _, worse = stress(
        loans, matrix, RATES, Scenario(severity=HALF, shift_days=30, correlation=0.3, draws=500)
    )

    assert before == after
    assert matrix == worsened(matrix, Fraction(0))
    whole = sum(one.balance_minor for one in loans)
    assert {whole} == {sum(month) for view in (before, worse) for month in view.balances}
    assert (worse.bad_ratio_at_end or 0) > (before.bad_ratio_at_end or 0)
    assert worse.provision.needed_minor > before.provision.needed_minor
    assert worse.losses.p99 >= worse.losses.p95 > before.losses.p95


def row_of(**shares: str) -> list[Fraction]:
    """Return a row by the letters of its states."""
    return [Fraction(shares.get(f"s{state}", "0")) for state in STATES]


def test_severity_is_as_worked_out_by_hand() -> None:
    """Only a later bucket or a charge-off is worse; to be settled or silent is not."""
    matrix = [row_of(**{f"s{state}": "1"}) for state in STATES]
    matrix[1] = row_of(s0="0.3", s1="0.2", s2="0.2", sB="0.1", sC="0.1", sX="0.1")
    matrix[2] = row_of(s3="1")
    found = worsened(checked(matrix), Fraction("0.5"))

    # u = 0.3, u' = 0.45: worse cells times 1.5, the others times 0.55 / 0.7.
    assert [Fraction("0.3") * 11 / 14, Fraction("0.2") * 11 / 14] == list(found[1][:2])
    assert (Fraction("0.3"), Fraction("0.15")) == (found[1][2], found[1][STATES.index("B")])
    assert Fraction("0.1") * 11 / 14 == found[1][STATES.index("X")]
    assert 1 == sum(found[1])
    assert tuple(matrix[2]) == found[2]
    limit = worsened(checked(matrix), Fraction(10))[1]
    assert (Fraction(0), Fraction(2, 3), Fraction(1, 3)) == (
        limit[0],
        limit[2],
        limit[STATES.index("B")],
    )


@given(st.lists(st.integers(0, 10**15), min_size=11, max_size=11), st.integers(1, 10**9))
def test_projections_lose_and_make_no_cent(start: list[int], salt: int) -> None:
    """Twelve months of rounding must not turn into money."""
    rows = [[Fraction(salt % (i + j + 2) + 1) for j in range(11)] for i in range(11)]
    matrix = checked([[one / sum(row) for one in row] for row in rows])

    steps = projected(start, matrix, 2)

    assert {sum(start)} == {sum(step) for step in steps}
    assert all(amount >= 0 for step in steps for amount in step)
    exact = [Fraction(sum(start[i] * matrix[i][j] for i in range(11))) for j in range(11)]
    assert all(abs(one - by) < Fraction(11) for one, by in zip(steps[1], exact, strict=True))


def test_a_row_that_is_no_whole_is_refused(tmp_path: Path) -> None:
    """A matrix that leaks makes a bank out of nothing, or loses one."""
    path = tmp_path / "matrix.toml"
    path.write_text('[row.0]\n0 = "0.9"\n1 = 0.1\n[row.1]\nB = 1\n')
    matrix = read_matrix(path)
    assert (Fraction(9, 10), Fraction(1), Fraction(1)) == (matrix[0][0], matrix[1][8], matrix[5][5])

    path.write_text('[row.0]\n0 = "0.9"\n1 = "0.1000000009"\n')
    assert 1 == sum(read_matrix(path)[0])
    path.write_text('[row.0]\n0 = "0.9"\n1 = "0.100000002"\n')
    with pytest.raises(RowSumInvalid, match=r"row 0 adds up to 1\.000000002") as refused:
        read_matrix(path)
    assert "scenario.row_sum" == refused.value.code
    for content, said in {
        "[row.9]\n0 = 1\n": "row.9",
        "[row.0]\nQ = 1\n": "row.0",
        "x = 1": "[row",
    }.items():
        path.write_text(content)
        with pytest.raises(UsageError, match=said.replace("[", r"\[")):
            read_matrix(path)


def test_losses_come_near_to_what_is_expected_and_the_seed_repeats_them() -> None:
    """A figure that another run does not give again cannot be defended."""
    loans = [Exposure(n, Fraction("0.05"), 100) for n in range(400)]
    loans += [Exposure(1_000, Fraction(1), 7), Exposure(1_001, Fraction(0), 10**9)]
    loans += [Exposure(n, Fraction("0.9"), 10) for n in range(2_000, 2_100)]

    found = draw_losses(loans, correlation=0, seed=5)

    assert found == draw_losses(loans, correlation=0, seed=5)
    assert found != draw_losses(loans, correlation=0, seed=6)
    assert 2_000 + 7 + 900 == found.expected
    deviation = sqrt(400 * 0.05 * 0.95 * 100**2 + 100 * 0.09 * 10**2)
    assert abs(float(found.mean) - 2_907) < 5 * deviation / 100  # 10,000 draws: a hundredth
    normal = NormalDist(2_907, deviation)
    assert abs(found.p95 - normal.inv_cdf(0.95)) < 60
    assert abs(found.p99 - normal.inv_cdf(0.99)) < 120  # the tail of a binomial is longer


@pytest.mark.parametrize("pd", ["0.1", "0.4", "0.6"])  # leapt to, and drawn one by one
@pytest.mark.parametrize("rho", [0.0, 0.5, 1.0])
def test_loans_of_one_borrower_fall_together_as_often_as_they_must(pd: str, rho: float) -> None:
    """Who takes them for strangers sets aside too little for the day they all fall."""
    draws, chance = 40_000, float(pd)
    both = [Exposure(1, Fraction(pd), 1), Exposure(1, Fraction(pd), 10)]

    found = Counter(drawn(both, correlation=rho, seed=3, draws=draws))

    edge = NormalDist().inv_cdf(chance)
    # P(both), added up over the common factor in steps of a hundredth.
    steps = [n / 100 for n in range(-800, 801)]
    together = sum(NormalDist().pdf(z) * _falls(edge, rho, z) ** 2 for z in steps) / 100
    expected = {11: together, 1: chance - together, 10: chance - together}
    for lost, share in expected.items():
        # Five standard deviations, and the width of a step where the factor decides alone.
        allowed = 5 * sqrt(max(share, 1e-9) / draws) + 0.004 * (rho == 1)
        assert abs(found[lost] / draws - share) < allowed, lost


def _falls(edge: float, rho: float, z: float) -> float:
    if rho == 1:
        return float(z < edge)
    return NormalDist().cdf((edge - sqrt(rho) * z) / sqrt(1 - rho))


@pytest.mark.parametrize(("rho", "draws"), [(-0.1, 10), (1.1, 10), (0, 0), (0, 10**7)])
def test_a_supposition_that_means_nothing_is_refused(rho: float, draws: int) -> None:
    """A correlation of two is a typing error and no scenario."""
    with pytest.raises(UsageError):
        draw_losses([], correlation=rho, seed=1, draws=draws)
    for wrong in ({"months": 0}, {"shift_days": -1}, {"months": 121}):
        with pytest.raises(UsageError):
            Scenario(**wrong)  # type: ignore[arg-type]  # the names vary
    with pytest.raises(UsageError):
        worsened((), Fraction(-1))
