"""`cx batch faults`, `cx batch absent`: what became of a file that was sent, as often as asked."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from enum import StrEnum
from typing import Annotated

import typer

from exchange_client.batches.flows import RowFault
from exchange_client.cli.options import Keyed, Pinned, Telling, open_exchange
from exchange_client.cli.telling import tell
from exchange_client.errors import UsageError

BatchId = Annotated[str, typer.Argument(help="`bat_…`, as `cx upload` told it")]


class FaultFile(StrEnum):
    """How a list of faults is written for other programs, as the exchange itself writes it."""

    CSV = "csv"
    NDJSON = "ndjson"


def faults(
    telling: Telling,
    pinned: Pinned,
    keyed: Keyed,
    batch_id: BatchId,
    form: Annotated[
        FaultFile | None, typer.Option("--format", help="write the list alone, for a spreadsheet")
    ] = None,
) -> None:
    """List what was wrong with the rows of a batch: line, field, code and rule, never a value."""
    if telling.as_json and form is not None:
        raise UsageError("--json, --format: one of the two")
    with open_exchange(telling, pinned, keyed) as exchange:
        found = exchange.faults(batch_id)
    if form is not None:
        typer.echo(_as_csv(found) if form is FaultFile.CSV else _as_lines(found), nl=False)
        return
    lines = "\n".join([f"{batch_id}: {len(found)} faults and warnings", *fault_lines(found)])
    tell(
        {"batch_id": batch_id, "faults": [asdict(one) for one in found]},
        lines,
        as_json=telling.as_json,
    )


def absent(telling: Telling, pinned: Pinned, keyed: Keyed, batch_id: BatchId) -> None:
    """List your open accounts that a full batch did not mention: none of them was closed."""
    with open_exchange(telling, pinned, keyed) as exchange:
        found = exchange.absent(batch_id)
    lines = "\n".join([f"{batch_id}: {len(found)} absent", *absent_lines(found)])
    tell({"batch_id": batch_id, "account_refs": found}, lines, as_json=telling.as_json)


def fault_lines(found: Sequence[RowFault]) -> list[str]:
    """Write faults for a person."""
    return [
        f"  line {one.line}{f' {one.field}' if one.field else ''}: {one.code} ({one.severity})"
        f"{f': {one.rule}' if one.rule else ''}"
        for one in found
    ]


def _as_csv(found: Sequence[RowFault]) -> str:
    text = io.StringIO()
    names = [one.name for one in fields(RowFault)]
    writer = csv.DictWriter(text, names, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(asdict(one) for one in found)
    return text.getvalue()


def _as_lines(found: Sequence[RowFault]) -> str:
    return "".join(f"{json.dumps(asdict(one))}\n" for one in found)


def absent_lines(found: Sequence[str]) -> list[str]:
    """Write absent accounts for a person."""
    return [f"  absent {account_ref}" for account_ref in found]
