"""`cx audit flags`, `lend-first`, `canary`: from the exchange, or found again from an export."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from exchange_client.audit import flows
from exchange_client.audit.canaries import DAY_SECONDS, canary_age, exposition
from exchange_client.audit.export import verify_export
from exchange_client.audit.flags.finding import Compared, compare, load_parameters
from exchange_client.audit.flags.looks import Raised
from exchange_client.audit.lend_first import judge_export, summary
from exchange_client.audit.rows import csv_text
from exchange_client.cli.auditing import Official, policy_for
from exchange_client.cli.options import Pinned, Telling
from exchange_client.cli.telling import UNVERIFIED, tell
from exchange_client.core.encoding import JSON

_FLAG_COLUMNS = ("rule", "member", "from", "to", "hits")
_MONTH_COLUMNS = ("member", "month", "loans", "IN_TIME", "STALE", "LATE", "NEVER", "ratio")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An export that is looked at instead of asking."""

    policy: Annotated[
        Path | None, typer.Option(envvar="CX_POLICY", help="keys for the export [the pins]")
    ] = None
    csv: Annotated[bool, typer.Option("--csv", help="a table that holds no formula")] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Which flags, and whether they are found again."""

    member: Annotated[str | None, typer.Option(help="of one member")] = None
    rule: Annotated[str | None, typer.Option(help="of one rule, such as repeat/1")] = None
    recompute: Annotated[
        Path | None, typer.Option(help="find the flags of this export again, and compare")
    ] = None
    parameters: Annotated[
        Path | None, typer.Option(help="TOML of the rules' numbers [the defaults]")
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Loans:
    """Which loans."""

    member: Annotated[str | None, typer.Option(help="whose loans")] = None
    month: Annotated[str | None, typer.Option(help="such as 2026-11")] = None
    folder: Annotated[
        Path | None, typer.Option("--dir", help="judge the loans of an export, and ask nobody")
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Canaries:
    """Which looks are the regulator's own."""

    member: Annotated[str, typer.Option(help="under whose key they are sent")]
    operator: Annotated[str | None, typer.Option(help="the operator that they name")] = None
    late_seconds: Annotated[
        int, typer.Option(min=1, max=DAY_SECONDS, help="older than this is late")
    ] = 300


def flags(telling: Telling, pinned: Pinned, official: Official, chosen: Chosen, kept: Kept) -> None:
    """List flags; with --recompute find them again from an export: leaves with 4 if they differ."""
    if chosen.recompute is not None:
        export = verify_export(chosen.recompute, policy_for(kept.policy, pinned))
        _tell_compared(compare(export, load_parameters(chosen.parameters)), telling, kept)
        return
    asked = {"rule": chosen.rule, "member": chosen.member}
    with official.open(telling, pinned) as exchange:
        found = exchange.audit(flows.fetch("flags", _given(asked)))
    listed = found.get("flags")
    rows = [row for row in listed if isinstance(row, dict)] if isinstance(listed, list) else []
    _tell_rows(found, rows, _FLAG_COLUMNS, telling, csv=kept.csv)


def lend_first(
    telling: Telling, pinned: Pinned, official: Official, loans: Loans, kept: Kept
) -> None:
    """Say which loans were looked at in time, stale, late or never."""
    member, month = loans.member, loans.month
    if loans.folder is not None:
        export = verify_export(loans.folder, policy_for(kept.policy, pinned))
        rows = [
            dict(row)
            for row in summary(judge_export(export))
            if member in (None, row["member"]) and month in (None, row["month"])
        ]
        _tell_rows({"months": rows}, rows, _MONTH_COLUMNS, telling, csv=kept.csv)
        return
    with official.open(telling, pinned) as exchange:
        asked = _given({"member": member, "month": month})
        found = exchange.audit(flows.fetch("lend-first", asked))
    listed = found.get("months")
    shown: list[dict[str, object]] = (
        [dict(row) for row in listed if isinstance(row, dict)] if isinstance(listed, list) else []
    )
    _tell_rows(found, shown, _MONTH_COLUMNS, telling, csv=kept.csv)


def canary(telling: Telling, pinned: Pinned, official: Official, canaries: Canaries) -> None:
    """Say how old the newest canary is, for a monitor: leaves with 4 if it is late."""
    asked = _given({"member": canaries.member, "operator": canaries.operator})
    with official.open(telling, pinned) as exchange:
        flow = canary_age(asked, int(time.time()), canaries.late_seconds)
        age = exchange.audit(flow)
    late = age is None or age > canaries.late_seconds
    tell({"age_seconds": age, "late": late}, exposition(age), as_json=telling.as_json)
    if late:
        raise typer.Exit(UNVERIFIED)


def log(telling: Telling, pinned: Pinned, official: Official) -> None:
    """Show how the log stands, and the lines of a policy that verifies it."""
    with official.open(telling, pinned) as exchange:
        found = exchange.audit(flows.fetch("log", {}))
    lines = [f"size         {found.get('size')}", f"age          {found.get('age_seconds')} s"]
    lines += [f"log {found.get('vkey')}", f"log {found.get('statement_vkey')}"]
    tell(found, "\n".join(lines), as_json=telling.as_json)


def _tell_compared(compared: Compared, telling: Telling, kept: Kept) -> None:
    value = {
        "agree": compared.agree,
        "found": [_row(flag) for flag in compared.found],
        "missing": [_row(flag) for flag in compared.missing],
        "beyond": [_row(flag) for flag in compared.beyond],
    }
    if kept.csv:
        rows = [[_row(flag)[name] for name in _FLAG_COLUMNS] for flag in compared.found]
        typer.echo(csv_text(_FLAG_COLUMNS, rows), nl=False)
    else:
        lines = [f"found        {len(compared.found)} flags"]
        lines += [f"missing      {flag.rule} {flag.member}" for flag in compared.missing]
        lines += [f"beyond       {flag.rule} {flag.member}" for flag in compared.beyond]
        lines.append("they agree" if compared.agree else "THEY DIFFER")
        tell(value, "\n".join(lines), as_json=telling.as_json)
    if not compared.agree:
        raise typer.Exit(UNVERIFIED)


def _row(flag: Raised) -> dict[str, object]:
    return {
        "rule": flag.rule,
        "member": flag.member,
        "from": flag.start,
        "to": flag.end,
        "hits": list(flag.hits),
    }


def _tell_rows(
    value: Mapping[str, object],
    rows: list[dict[str, JSON]] | list[dict[str, object]],
    columns: tuple[str, ...],
    telling: Telling,
    *,
    csv: bool,
) -> None:
    if csv:
        cells = [[row.get(name) for name in columns] for row in rows]
        typer.echo(csv_text(columns, cells), nl=False)
        return
    lines = ["  ".join(str(row.get(name)) for name in columns) for row in rows]
    tell(value, "\n".join(["  ".join(columns), *lines]), as_json=telling.as_json)


def _given(asked: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in asked.items() if value is not None}
