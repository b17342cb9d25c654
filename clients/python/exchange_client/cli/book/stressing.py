"""`cx report stress`: the same book, if things went worse."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer

from exchange_client.book.defaults import DRAWS, DRAWS_MAX
from exchange_client.book.loans import STATES, rounded
from exchange_client.book.provisions import read_rates
from exchange_client.book.reading import Book, books_of, survey
from exchange_client.book.rolling import Matrix, mean, roll
from exchange_client.book.scenarios import read_matrix
from exchange_client.book.stressing import MONTHS_MAX, SHIFT_DAYS_MAX, Scenario, View, stress
from exchange_client.cli.book.drawing import Grid, Mark, amount, bar, percent
from exchange_client.cli.book.telling import Files, Rates, Report, Shown, present
from exchange_client.cli.options import Telling
from exchange_client.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Supposed:
    """What is supposed; without any of it, the book as it is."""

    severity: Annotated[
        str, typer.Option(help="every step for the worse becomes likelier by this share: 0.25")
    ] = "0"
    shift_days: Annotated[
        int, typer.Option(help="everybody is so many days later", min=0, max=SHIFT_DAYS_MAX)
    ] = 0
    correlation: Annotated[
        float, typer.Option(help="between the loans of one borrower", min=0, max=1)
    ] = 0.0
    months: Annotated[int, typer.Option(help="ahead", min=1, max=MONTHS_MAX)] = 12
    seed: Annotated[int, typer.Option(help="of the draws: the same gives the same")] = 1
    draws: Annotated[int, typer.Option(min=1, max=DRAWS_MAX)] = DRAWS
    matrix: Annotated[
        Path | None, typer.Option(help="your own monthly moves, TOML, in place of your files'")
    ] = None

    def scenario(self) -> Scenario:
        """The same in the words of the SDK.

        Raises:
            UsageError: the severity is no number.
        """
        try:
            severity = Fraction(self.severity)
        except (ValueError, ZeroDivisionError):
            raise UsageError("--severity: must be a decimal, 0 or more") from None
        return Scenario(
            severity=severity,
            shift_days=self.shift_days,
            correlation=self.correlation,
            months=self.months,
            seed=self.seed,
            draws=self.draws,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside:
    """A stress report stays with the member: nothing in it is withheld."""

    currency: Annotated[
        str | None, typer.Option(help="the one to report on, where the files hold several")
    ] = None
    html: Annotated[Path | None, typer.Option(help="write the tables as a page as well")] = None


def stress_(
    telling: Telling, inside: Inside, supposed: Supposed, rates: Rates, files: Files
) -> None:
    """Roll the newest book on, as it is and under a scenario; draw what may be lost.

    The moves are the mean of your last 12 months, so give 13 files, or two and more.
    """
    shown = Shown(currency=inside.currency, html=inside.html)
    scenario = supposed.scenario()
    own_rates = read_rates(rates)
    sources = survey(files)
    book, matrix = _book_and_matrix(books_of(sources, currency=shown.currency), supposed)
    before, after = stress(book.held, matrix, own_rates, scenario)
    report = Report(
        title="stress",
        currency=book.currency,
        sources=sources,
        values={
            "as_of": book.as_of.isoformat(),
            "states": list(STATES),
            "seed": scenario.seed,
            "draws": scenario.draws,
            "baseline": _values(before),
            "scenario": _values(after),
        },
        notes=[
            f"as of {book.as_of}, {scenario.months} months ahead, {scenario.draws:,} draws, "
            f"seed {scenario.seed}"
        ],
        grids=[_figures(before, after), _balances(before, after)],
    )
    present(report, shown, telling)


def _book_and_matrix(books: Iterator[Book], supposed: Supposed) -> tuple[Book, Matrix]:
    """Return the newest book, and how the months before it moved."""
    newest: list[Book] = []

    def watched() -> Iterator[Book]:
        for book in books:
            newest[:] = [book]
            yield book

    if supposed.matrix is not None:
        matrix = read_matrix(supposed.matrix)
        deque(watched(), maxlen=0)  # only the newest is wanted
    else:
        matrix = mean(list(roll(watched())))
    return newest[0], matrix


def _values(view: View) -> dict[str, object]:
    losses = view.losses
    return {
        "balances_minor": [list(month) for month in view.balances],
        "bad_ratio_at_end": rounded(view.bad_ratio_at_end),
        "non_performing_minor": view.non_performing_minor,
        "npl_ratio": rounded(view.npl_ratio),
        "provision_minor": view.provision.needed_minor,
        "loss_minor": {
            "expected": round(losses.expected),
            "mean": round(losses.mean),
            "p95": losses.p95,
            "p99": losses.p99,
        },
    }


def _figures(before: View, after: View) -> Grid:
    figures: dict[str, Callable[[View], str]] = {
        "NPL ratio now": lambda view: percent(view.npl_ratio),
        "over 90 days or charged off, at the end": lambda view: percent(view.bad_ratio_at_end),
        "provision needed": lambda view: amount(view.provision.needed_minor),
        "loss, mean of the draws": lambda view: amount(round(view.losses.mean)),
        "loss, 95 % of the draws lose no more": lambda view: amount(view.losses.p95),
        "loss, 99 % of the draws lose no more": lambda view: amount(view.losses.p99),
    }
    rows = [
        [Mark(name), Mark(figure(before)), Mark(figure(after))] for name, figure in figures.items()
    ]
    return Grid(caption="figures", head=["", "as it is", "scenario"], rows=rows)


def _balances(before: View, after: View) -> Grid:
    """Draw where the balances stand at the end, a bar each for the scenario."""
    whole = sum(after.balances[-1])
    rows = []
    for at, state in enumerate(STATES):
        now, calm, hard = (
            view[at] for view in (before.balances[0], before.balances[-1], after.balances[-1])
        )
        share = Fraction(hard, whole) if whole else None
        marks = [state, amount(now), amount(calm), amount(hard), percent(share)]
        # To the right of a column that is filled up from the left, a bar begins at its edge.
        rows.append([*map(Mark, marks), Mark(f"{bar(share):<24}")])
    head = ["state", "now", "as it is", "scenario", "", ""]
    return Grid(caption="balances by state, now and at the end", head=head, rows=rows)
