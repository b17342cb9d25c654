"""`cx report roll|vintage|classes|provision`: the member's own book in sums."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Annotated

import typer

from exchange_client.book.classifying import CLASS_NAMES, classes
from exchange_client.book.loans import STATES, month_text, rounded
from exchange_client.book.provisions import STAGES, provision, read_rates
from exchange_client.book.reading import books_of, read_book, survey
from exchange_client.book.rolling import RollMonth, mean, mean_hidden, roll
from exchange_client.book.suppressing import TOTAL, Cell
from exchange_client.book.vintages import Vintage, vintages
from exchange_client.cli.book.drawing import Grid, Mark, amount, percent, shaded
from exchange_client.cli.book.telling import (
    Files,
    Rates,
    Report,
    Shown,
    present,
    table_grid,
    table_values,
)
from exchange_client.cli.options import Telling
from exchange_client.errors import UsageError

Line = Sequence[Fraction] | None


def roll_(telling: Telling, shown: Shown, files: Files) -> None:
    """Show how balances rolled from bucket to bucket, month by month and in the mean of 12.

    States: 0 to 7 buckets, B charged off, C settled, X no longer reported.
    """
    sources = survey(files)
    first, *_ = sources
    steps = list(roll(books_of(sources, currency=shown.currency), outward=shown.outward))
    if not steps:
        raise UsageError(f"{first.path}: a roll rate needs the files of two following months")
    average, hidden = mean(steps), mean_hidden(steps)
    differs = sum(step.differs for step in steps)
    notes = ["a row says where the balance of a state went within a month"]
    if differs and not shown.outward:
        notes.append(f"{differs} histories tell another state of a month than its own file did")
    last = steps[-1]
    rates = [last.rates(at) for at in range(len(STATES))]
    report = Report(
        title="roll",
        currency=_currency(shown, sources[0].currencies),
        sources=sources,
        values={
            "states": list(STATES),
            "months": [_month_values(step, outward=shown.outward) for step in steps],
            "mean": _rate_values(average, hidden),
        },
        notes=notes,
        grids=[
            _roll_grid(f"mean of the last {min(12, len(steps))} months", average, hidden),
            _roll_grid(f"into {month_text(last.month)}", rates, _rate_hidden(last)),
        ],
    )
    present(report, shown, telling)


def _currency(shown: Shown, currencies: frozenset[str]) -> str:
    return shown.currency or next(iter(currencies))


def _rate_hidden(step: RollMonth) -> frozenset[Cell]:
    whole = {(row, now) for row, column in step.hidden if column == TOTAL for now in STATES}
    return step.hidden | whole


def _rate_values(matrix: Sequence[Line], hidden: frozenset[Cell]) -> list[list[str | None] | None]:
    return [
        None
        if row is None
        else [
            None if (before, now) in hidden else rounded(share)
            for now, share in zip(STATES, row, strict=True)
        ]
        for before, row in zip(STATES, matrix, strict=True)
    ]


def _month_values(step: RollMonth, *, outward: bool) -> dict[str, object]:
    moved = [
        [
            None if (before, now) in step.hidden else one
            for now, one in zip(STATES, row, strict=True)
        ]
        for before, row in zip(STATES, step.moved, strict=True)
    ]
    rates = [step.rates(at) for at in range(len(STATES))]
    return {
        "month": month_text(step.month),
        "moved_minor": moved,
        "rates": _rate_values(rates, _rate_hidden(step)),
        "opened_minor": None if outward else step.opened_minor,
        "history_differs": None if outward else step.differs,
    }


def _roll_grid(caption: str, matrix: Sequence[Line], hidden: frozenset[Cell]) -> Grid:
    rows = []
    for before, row in zip(STATES, matrix, strict=True):
        shares: Sequence[Fraction | None] = row or [None] * len(STATES)
        marks = [
            Mark("*") if (before, now) in hidden else shaded(share)
            for now, share in zip(STATES, shares, strict=True)
        ]
        rows.append([Mark(before), *marks])
    return Grid(caption=caption, head=["from", *STATES], rows=rows)


def vintage(
    telling: Telling,
    shown: Shown,
    files: Files,
    months: Annotated[int, typer.Option(help="on book, columns shown", min=1, max=120)] = 24,
) -> None:
    """Show how much of each month's new loans was ever over 90 days late, by months on book."""
    sources = survey(files)
    found = vintages(books_of(sources, currency=shown.currency), outward=shown.outward)
    report = Report(
        title="vintage",
        currency=_currency(shown, sources[0].currencies),
        sources=sources,
        values={"vintages": [_vintage_values(one, outward=shown.outward) for one in found]},
        notes=["share of the principal opened that was ever over 90 days late, by months on book"],
        grids=[_vintage_grid(found, months)],
    )
    present(report, shown, telling)


def _vintage_values(one: Vintage, *, outward: bool) -> dict[str, object]:
    return {
        "month": month_text(one.month),
        "loans": None if outward and one.principal_minor is None else one.loans,
        "principal_minor": one.principal_minor,
        "bad_minor": list(one.bad_minor),
        "rates": [rounded(one.rate(k)) for k in range(len(one.bad_minor))],
        "untold": None if outward else one.untold,
    }


def _vintage_grid(found: Sequence[Vintage], months: int) -> Grid:
    columns = min(months, max((len(one.bad_minor) for one in found), default=0))
    worst = max((one.rate(k) or 0 for one in found for k in range(len(one.bad_minor))), default=0)
    rows = []
    for one in found:
        known = min(columns, len(one.bad_minor))
        marks = [_vintage_mark(one, k, Fraction(worst)) for k in range(known)]
        blank = [Mark("")] * (columns - known)
        rows.append(
            [Mark(month_text(one.month)), Mark(amount(one.principal_minor)), *marks, *blank]
        )
    head = ["opened", "principal", *(str(k) for k in range(columns))]
    return Grid(caption="vintages", head=head, rows=rows)


def _vintage_mark(one: Vintage, k: int, worst: Fraction) -> Mark:
    rate = one.rate(k)
    withheld = one.bad_minor[k] is None or one.principal_minor is None
    heat = float(rate / worst) if rate and worst else None
    return Mark(percent(rate, withheld=withheld), heat)


def classes_(telling: Telling, shown: Shown, files: Files) -> None:
    """Sum the book of one month by the five classes; NPL ratio, and how much is in one product."""
    book = read_book(files, currency=shown.currency)
    found = classes(book.held, outward=shown.outward)
    ratios = {"npl_ratio": found.npl_ratio, "product_hhi": found.concentration}
    report = Report(
        title="classes",
        currency=book.currency,
        sources=book.sources,
        values={
            "as_of": book.as_of.isoformat(),
            "classes": table_values(found.table),
            **{name: rounded(one) for name, one in ratios.items()},
        },
        notes=[
            f"as of {book.as_of}",
            f"NPL ratio (classes 3 to 5): {percent(ratios['npl_ratio'], withheld=shown.outward)}",
            f"concentration by product (HHI): {_index(ratios['product_hhi'], shown)}",
        ],
        grids=[table_grid("class by product", found.table, CLASS_NAMES)],
    )
    present(report, shown, telling)


def _index(value: Fraction | None, shown: Shown) -> str:
    return rounded(value, 4) or ("*" if shown.outward else "-")


def provision_(telling: Telling, shown: Shown, rates: Rates, files: Files) -> None:
    """Sum the book of one month by IFRS 9 stage, and what must be put aside at your rates."""
    book = read_book(files, currency=shown.currency)
    found = provision(book.held, read_rates(rates), outward=shown.outward)
    whole = found.whole
    coverage = found.coverage if whole else None
    loan_ratio = found.loan_ratio if whole else None
    stages = []
    for stage in STAGES:
        sums, rate = found.table.shown(stage), found.rates.by_stage[stage]
        needed = None if sums is None else round(found.needed(stage))
        cells = (None if sums is None else sums[name] for name in ("accounts", "balance_minor"))
        told = [percent(rate.pd), percent(rate.lgd), amount(needed)]
        stages.append([Mark(stage), *(Mark(amount(one)) for one in cells), *map(Mark, told)])
    needed_minor = found.needed_minor if whole else None
    stock_minor = found.stock_minor if whole else None
    report = Report(
        title="provision",
        currency=book.currency,
        sources=book.sources,
        values={
            "as_of": book.as_of.isoformat(),
            "stages": {stage: found.table.shown(stage) for stage in STAGES},
            "needed_minor": needed_minor,
            "stock_minor": stock_minor,
            "coverage_ratio": rounded(coverage),
            "loan_provision_ratio": rounded(loan_ratio),
        },
        notes=[
            f"as of {book.as_of}",
            f"needed {amount(needed_minor)}, put aside {amount(stock_minor)}",
            f"拨备覆盖率 (of what is non-performing): {percent(coverage, withheld=not whole)}",
            f"贷款拨备率 (of all loans): {percent(loan_ratio, withheld=not whole)}",
        ],
        grids=[
            Grid(
                caption="IFRS 9 stages",
                head=["stage", "accounts", "balance", "PD", "LGD", "needed"],
                rows=stages,
            )
        ],
    )
    present(report, shown, telling)
