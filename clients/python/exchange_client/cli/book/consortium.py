"""`cx report consortium`: what the consortium holds, verified and as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer

from exchange_client.audit.export import verify_export
from exchange_client.book.classifying import CLASS_NAMES
from exchange_client.book.loans import STATES
from exchange_client.cli.auditing import Official, policy_for
from exchange_client.cli.book.drawing import NOTHING, WITHHELD, Grid, Mark, amount, page, shaded
from exchange_client.cli.options import Pinned, Telling
from exchange_client.cli.telling import tell
from exchange_client.consortium import ConsortiumReport, fetch_report, find_entry, verify_report
from exchange_client.consortium.totals import (
    BANDS,
    CHECKS,
    CLASSES,
    STAGES,
    TOTAL,
    Sums,
    read_grid,
    read_moves,
    read_object,
    read_rows,
)
from exchange_client.core.encoding import JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Which:
    """Which report, and where it goes beside the terminal."""

    month: Annotated[
        str | None, typer.Option(help="in which it was made, YYYY-MM [the newest]")
    ] = None
    file: Annotated[
        Path | None, typer.Option(help="verify a report that was kept, and ask nobody")
    ] = None
    folder: Annotated[
        Path | None, typer.Option("--dir", help="an export of the log: find the entry of it there")
    ] = None
    policy: Annotated[
        Path | None, typer.Option(envvar="CX_POLICY", help="keys for --dir [the pins]")
    ] = None
    out: Annotated[Path | None, typer.Option(help="keep the signed report")] = None
    html: Annotated[Path | None, typer.Option(help="write the tables as a page as well")] = None


def consortium(telling: Telling, pinned: Pinned, official: Official, which: Which) -> None:
    """Show the consortium's signed report of a month; a member's leaves small cells out."""
    if which.file is not None:
        report = verify_report(which.file.read_text(encoding="utf-8"), pinned.load())
    else:
        with official.open(telling, pinned) as exchange:
            report = exchange.audit(fetch_report(exchange.pins, which.month))
    if which.out is not None:
        report.save(which.out)
    index = None
    if which.folder is not None:
        export = verify_export(which.folder, policy_for(which.policy, pinned))
        index = find_entry(report, export.leaves)
    notes, grids = report_notes(report), report_grids(report)
    if index is not None:
        notes.append(f"entry {index} of the log commits to it")
    if which.html is not None:
        which.html.write_text(page("consortium", notes, grids), encoding="utf-8")
    value = {
        "verified": True,
        "report": report.report_id,
        "month": report.month,
        "view": report.view,
        "snapshot": report.snapshot,
        "before": report.before,
        "profile": report.profile,
        "currency": report.currency,
        "records": report.records,
        "leaf": report.leaf,
        "log": report.log,
        "leaf_index": index,
        "figures_sha256": report.figures_sha256,
        "figures": dict(report.figures),
    }
    text = "\n".join([*notes, *(f"\n{grid.as_text()}" for grid in grids)])
    tell(value, text, as_json=telling.as_json)


def report_notes(report: ConsortiumReport) -> list[str]:
    """Write what stands above the tables."""
    at, before = (
        datetime.fromtimestamp(one, UTC).strftime("%Y-%m-%d %H:%M")
        for one in (report.snapshot, report.before)
    )
    figures = report.figures
    notes = [
        f"{report.currency}, minor units; {report.report_id} by {report.profile}, verified",
        f"as of {at} UTC; moves since {before} UTC; leaf {report.leaf} of {report.log}",
        f"NPL ratio (classes 3 to 5): {_ratio(read_object(figures, 'npl_ratio').get(TOTAL))}",
        f"concentration by lender (HHI): {_ratio(figures.get('lender_hhi'))}",
    ]
    if report.view == "members":
        return [*notes, "* is withheld: it would tell of single borrowers or lenders"]
    cross = read_object(figures, "cross_lender")
    return [
        *notes,
        f"business debtors: {cross['debtors']}, of whom {cross['flagged']} owe more than "
        f"{cross['percent_max']} % of all their debts for over 90 days; what these owe: "
        f"{_minor(cross['flagged_minor'])}",
    ]


def report_grids(report: ConsortiumReport) -> list[Grid]:
    """Draw the tables that this view has."""
    figures = report.figures
    common = [_products(figures), _lenders(figures), _rolls(figures, report)]
    if report.view == "members":
        return common
    return [_members(figures), *common, _debtors(figures), _loans(figures)]


def _members(figures: Mapping[str, JSON]) -> Grid:
    """One line a member: what it holds, by stage, and how much of it is bad."""
    classes, stages = read_grid(figures, "classes", CLASSES), read_grid(figures, "stages", STAGES)
    ratios, lenders = read_object(figures, "npl_ratio"), read_object(figures, "lenders")
    better = read_object(read_object(figures, "cross_lender"), "better_minor")
    subjects = read_object(lenders, "subjects_of")
    rows = []
    for member in ratios:
        sums = classes.get((TOTAL, member)) or Sums()
        by_stage = [(stages.get((one, member)) or Sums()).balance_minor for one in STAGES]
        told = [sums.accounts, sums.balance_minor, sums.overdue_minor, *by_stage]
        rows.append(
            [
                Mark(member),
                Mark(_minor(subjects.get(member))),
                *(Mark(amount(one)) for one in told),
                Mark(_ratio(ratios[member])),
                Mark(_minor(better.get(member, 0 if member != TOTAL else None))),
            ]
        )
    head = ["member", "subjects", "accounts", "balance", "overdue"]
    head += [*(f"stage {one}" for one in STAGES), "NPL ratio", "better than 20 %"]
    return Grid(caption="members", head=head, rows=rows)


def _products(figures: Mapping[str, JSON]) -> Grid:
    grid = read_grid(figures, "products", CLASSES)
    columns = sorted({column for _, column in grid} - {TOTAL})
    rows = []
    for row in (*CLASSES, TOTAL):
        cells = [grid.get((row, column), Sums()) for column in (*columns, TOTAL)]
        marks = [Mark(amount(None if one is None else one.balance_minor)) for one in cells]
        rows.append([Mark(f"{row} {CLASS_NAMES.get(row, '')}".strip()), *marks])
    return Grid(caption="balance by class and product", head=["", *columns, TOTAL], rows=rows)


def _lenders(figures: Mapping[str, JSON]) -> Grid:
    bands = read_object(figures, "lenders")
    rows = []
    for band in BANDS:
        found = bands[band]
        told = found.get("subjects") if isinstance(found, dict) else None
        rows.append([Mark(band), Mark(WITHHELD if told is None else _minor(told))])
    return Grid(caption="subjects by lenders", head=["lenders", "subjects"], rows=rows)


def _rolls(figures: Mapping[str, JSON], report: ConsortiumReport) -> Grid:
    moves = read_moves(figures, whole=report.view == "regulator")
    rows = [[Mark(before), *_shares(row)] for before, row in zip(STATES, moves, strict=True)]
    return Grid(caption="where balances went", head=["from", *STATES], rows=rows)


def _shares(row: Sequence[int | None]) -> list[Mark]:
    told = [one for one in row if one is not None]
    if len(told) < len(row):  # What all of them come to is withheld with them.
        return [Mark(WITHHELD if one is None else amount(one)) for one in row]
    base = sum(told)
    return [shaded(Fraction(one, base)) if base else Mark(NOTHING) for one in told]


def _debtors(figures: Mapping[str, JSON]) -> Grid:
    listed = read_rows(read_object(figures, "cross_lender"), "listed")
    rows = [
        [
            Mark(str(one["subject"])),
            Mark(_minor(one["lenders"])),
            Mark(_minor(one["balance_minor"])),
            Mark(_ratio(one["share"])),
        ]
        for one in listed
    ]
    head = ["debtor", "lenders", "balance", "over 90 days"]
    return Grid(caption="business debtors over the line, largest first", head=head, rows=rows)


def _loans(figures: Mapping[str, JSON]) -> Grid:
    found = read_rows(read_object(figures, "lend_first"), "months")
    head = ["member", "month", "loans", *CHECKS, "ratio"]
    rows = [
        [Mark(NOTHING if one[name] is None else str(one[name])) for name in head] for one in found
    ]
    return Grid(caption="lent first, asked later", head=head, rows=rows)


def _minor(value: JSON) -> str:
    return amount(value) if isinstance(value, int) else NOTHING


def _ratio(value: JSON) -> str:
    return value if isinstance(value, str) else WITHHELD
