"""What the commands over a book share: which files, in which currency, and how they are told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from exchange_client.book.loans import month_text
from exchange_client.book.reading import Source
from exchange_client.book.tallies import Table
from exchange_client.cli.book.drawing import Grid, Mark, amount, page
from exchange_client.cli.options import Telling
from exchange_client.cli.telling import tell
from exchange_client.errors import UsageError

Files = Annotated[
    list[Path],
    typer.Argument(help="batch files, or rows with `identifiers`; each month end its own"),
]
Rates = Annotated[Path, typer.Option(help="your PD and LGD by stage, and what is put aside: TOML")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """In which currency, for whom, and where it goes beside the terminal."""

    currency: Annotated[
        str | None, typer.Option(help="the one to report on, where the files hold several")
    ] = None
    outward: Annotated[
        bool, typer.Option(help="withhold what tells of single borrowers, before it leaves you")
    ] = False
    html: Annotated[Path | None, typer.Option(help="write the tables as a page as well")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One report, before it is told."""

    title: str
    currency: str
    sources: Sequence[Source]
    values: Mapping[str, object]  # for programs
    notes: Sequence[str]  # for people, above the tables
    grids: Sequence[Grid]


def present(report: Report, shown: Shown, telling: Telling) -> None:
    """Tell a report, and write its page."""
    files = [
        {
            "file": str(source.path),
            "month": month_text(source.month),
            "rows": source.rows,
            "sha256": source.sha256,
        }
        for source in report.sources
    ]
    values = {
        "report": report.title,
        "currency": report.currency,
        "outward": shown.outward,
        "sources": files,
        **report.values,
    }
    notes = [f"{report.currency}, minor units; from {_named(report.sources)}", *report.notes]
    if shown.outward:
        notes.append("* is withheld: it would tell of single borrowers")
    if shown.html is not None:
        shown.html.write_text(page(report.title, notes, report.grids), encoding="utf-8")
    text = "\n".join([*notes, *(f"\n{grid.as_text()}" for grid in report.grids)])
    tell(values, text, as_json=telling.as_json)


def today_of(told: str | None) -> date:
    """Read `--today`; by default it is this machine's.

    Raises:
        UsageError: it is no date.
    """
    try:
        # A plain day, as rows have it, where the member is.
        return date.fromisoformat(told) if told else date.today()  # noqa: DTZ011 - see above
    except ValueError:
        raise UsageError("--today: not a date") from None


def table_values(table: Table) -> dict[str, object]:
    """Return a table for a program: by row, then by column; null is withheld.

    An empty cell is left out, unless it is withheld: else its absence would tell that it is empty.
    """
    return {
        row: {
            column: table.shown(row, column)
            for column in (*table.columns, "total")
            if table.mentions(row, column)
        }
        for row in (*table.rows, "total")
    }


def table_grid(caption: str, table: Table, names: Mapping[str, str] | None = None) -> Grid:
    """Draw the balances of a table, with accounts and share of each row."""
    columns = [one for one in table.columns if any(table.mentions(row, one) for row in table.rows)]
    whole = table.total.balance_minor
    rows = []
    for row in (*table.rows, "total"):
        total = table.shown(row)
        cells = [_balance(table.shown(row, column)) for column in (*columns, "total")]
        share = total["balance_minor"] / whole if total and whole else None
        accounts = Mark(amount(None if total is None else total["accounts"]), share)
        title = f"{row} {(names or {}).get(row, '')}".strip()
        rows.append([Mark(title), *map(Mark, cells), accounts])
    return Grid(caption=caption, head=["", *columns, "total", "accounts"], rows=rows)


def _balance(sums: Mapping[str, int] | None) -> str:
    return amount(None if sums is None else sums["balance_minor"])


def _named(sources: Iterable[Source]) -> str:
    names = [f"{source.path} ({month_text(source.month)})" for source in sources]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
