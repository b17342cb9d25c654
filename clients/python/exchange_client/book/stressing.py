"""Stress a book: a harder roll, everybody some days later, and borrowers who fall with all loans.

In:  the newest book, the matrix of its months, the member's rates, and a Scenario.
Out: a View of the book as it is, and one of it under the scenario, made by the same steps: with
     severity 0 and no shift they are equal.
Source: records.md, section 15.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from exchange_client.book.classifying import classes
from exchange_client.book.defaults import DRAWS, Exposure, Losses, draw_losses
from exchange_client.book.loans import STATES, Loan, ratio
from exchange_client.book.provisions import ProvisionReport, Rates, provision
from exchange_client.book.rolling import Matrix
from exchange_client.book.scenarios import checked, projected, worsened
from exchange_client.errors import UsageError

MONTHS_MAX: Final = 120
SHIFT_DAYS_MAX: Final = 20_000
_BAD: Final = tuple(STATES.index(state) for state in "4567B")  # more than 90 days past due, or lost
_SETTLED: Final = STATES.index("C")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What is supposed."""

    severity: Fraction = Fraction(0)  # every step for the worse becomes likelier by this share
    shift_days: int = 0  # everybody is so many days later
    correlation: float = 0.0  # 0 to 1, between the loans of one borrower
    months: int = 12
    seed: int = 1
    draws: int = DRAWS

    def __post_init__(self) -> None:
        if not 1 <= self.months <= MONTHS_MAX:
            raise UsageError(f"months: must be 1 to {MONTHS_MAX}")
        if not 0 <= self.shift_days <= SHIFT_DAYS_MAX:
            raise UsageError(f"shift_days: must be 0 to {SHIFT_DAYS_MAX}")


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A book on one supposition."""

    balances: tuple[tuple[int, ...], ...]  # by month ahead from 0, by state; minor units
    non_performing_minor: int  # classes 3 to 5, now
    npl_ratio: Fraction | None  # now
    provision: ProvisionReport
    losses: Losses

    @property
    def bad_ratio_at_end(self) -> Fraction | None:
        """What is over 90 days or charged off after the last month, of all that is still owed."""
        last = self.balances[-1]
        return ratio(sum(last[state] for state in _BAD), sum(last) - last[_SETTLED])


def stress(
    loans: Sequence[Loan], matrix: Matrix, rates: Rates, scenario: Scenario
) -> tuple[View, View]:
    """Return the book as it is, and as the scenario has it.

    Raises:
        RowSumInvalid: a row of the matrix does not add up to 1.
        UsageError: the scenario holds a value that means nothing.
    """
    base = checked(matrix)
    later = [loan.later(scenario.shift_days) for loan in loans]
    harder = worsened(base, scenario.severity)
    return _view(loans, base, rates, scenario), _view(later, harder, rates, scenario)


def _view(loans: Sequence[Loan], matrix: Matrix, rates: Rates, scenario: Scenario) -> View:
    start = [0] * len(STATES)
    for loan in loans:
        start[loan.state] += loan.balance_minor
    report = classes(loans)
    return View(
        balances=tuple(projected(start, matrix, scenario.months)),
        non_performing_minor=report.non_performing_minor,
        npl_ratio=report.npl_ratio,
        provision=provision(loans, rates),
        losses=draw_losses(
            [_exposure(loan, rates) for loan in loans],
            correlation=scenario.correlation,
            seed=scenario.seed,
            draws=scenario.draws,
        ),
    )


def _exposure(loan: Loan, rates: Rates) -> Exposure:
    rate = rates.of(loan)
    return Exposure(loan.subject, rate.pd, round(loan.balance_minor * rate.lgd))
