"""`cx book strata`: who is spoken to, how, and who is left alone."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from exchange_client.book.collecting import Stratum, misplaced, strata, strata_table
from exchange_client.book.lists import read_allowed, read_events, read_flags, read_placed
from exchange_client.book.reading import read_book
from exchange_client.cli.book.telling import (
    Files,
    Report,
    Shown,
    present,
    table_grid,
    table_values,
    today_of,
)
from exchange_client.cli.options import Telling
from exchange_client.cli.telling import REFUSED, note
from exchange_client.errors import UsageError

TOLD_MAX = 20  # accounts named in a note


@dataclass(frozen=True, slots=True, kw_only=True)
class Lists:
    """The member's own lists of accounts, CSV with a header."""

    flags: Annotated[
        Path | None, typer.Option(help="account_ref,flag: DECEASED, VULNERABLE and so on")
    ] = None
    events: Annotated[
        Path | None,
        typer.Option(help="what your watches told: from cx events --json, or kind,account_ref,day"),
    ] = None
    collectors: Annotated[
        Path | None, typer.Option(help="collector: the allow-list, one a line")
    ] = None
    placed: Annotated[
        Path | None, typer.Option(help="account_ref,collector: which account was given to whom")
    ] = None
    out: Annotated[
        Path | None, typer.Option(help="write account_ref,tier,treatment,flag,raised there")
    ] = None
    today: Annotated[
        str | None, typer.Option(help="YYYY-MM-DD; an event counts for 30 days from its own")
    ] = None


def strata_(telling: Telling, shown: Shown, lists: Lists, files: Files) -> None:
    """Sort the accounts of one month by days past due and flags: remind, call, or leave alone.

    Leaves with 1 if an account was given to a collector that may not have it.
    """
    book = read_book(files, currency=shown.currency)
    flags = read_flags(lists.flags) if lists.flags else {}
    events = read_events(lists.events) if lists.events else []
    found = strata(book.loans.values(), flags, events, today=today_of(lists.today))
    strangers = sorted({*flags, *(event.account_ref for event in events)} - book.loans.keys())
    if strangers:
        note(f"not in the book: {_some(strangers)}")
    wrong = _misplaced(found, lists)
    if lists.out is not None:
        _write(lists.out, found)
    table = strata_table(found, outward=shown.outward)
    report = Report(
        title="strata",
        currency=book.currency,
        sources=book.sources,
        values={
            "as_of": book.as_of.isoformat(),
            "strata": table_values(table),
            "closed": None if shown.outward else len(book.loans) - len(found),
            "raised": None if shown.outward else sum(one.raised for one in found),
            "not_in_book": [] if shown.outward else strangers[:TOLD_MAX],
            "misplaced": {} if shown.outward else wrong,
        },
        notes=[f"as of {book.as_of}"],
        grids=[table_grid("tier by treatment", table)],
    )
    present(report, shown, telling)
    if wrong:
        note(f"given to a collector and must not be: {_some(sorted(wrong), wrong)}")
        raise typer.Exit(REFUSED)


def _misplaced(found: Sequence[Stratum], lists: Lists) -> dict[str, str]:
    if lists.placed is None:
        return {}
    if lists.collectors is None:
        raise UsageError("--placed needs --collectors: nobody is allowed without the list")
    return misplaced(found, read_placed(lists.placed), read_allowed(lists.collectors))


def _some(accounts: Sequence[str], why: Mapping[str, str] | None = None) -> str:
    told = [f"{one} ({why[one]})" if why else one for one in accounts[:TOLD_MAX]]
    more = f" and {len(accounts) - TOLD_MAX} more" if len(accounts) > TOLD_MAX else ""
    return ", ".join(told) + more


def _write(path: Path, found: Iterable[Stratum]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["account_ref", "tier", "treatment", "flag", "raised"])
        for one in found:
            raised = "yes" if one.raised else ""
            writer.writerow([one.loan.account_ref, one.tier, one.treatment, one.flag, raised])
