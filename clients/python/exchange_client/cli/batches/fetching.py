"""`cx batch faults`, `cx batch absent`: what became of a file that was sent, as often as asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from exchange_client.batches.flows import RowFault
from exchange_client.cli.options import Keyed, Pinned, Telling, open_exchange
from exchange_client.cli.telling import tell

BatchId = Annotated[str, typer.Argument(help="`bat_…`, as `cx upload` told it")]


def faults(telling: Telling, pinned: Pinned, keyed: Keyed, batch_id: BatchId) -> None:
    """List what was wrong with the rows of a batch: line, field, code and rule, never a value."""
    with open_exchange(telling, pinned, keyed) as exchange:
        found = exchange.faults(batch_id)
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


def absent_lines(found: Sequence[str]) -> list[str]:
    """Write absent accounts for a person."""
    return [f"  absent {account_ref}" for account_ref in found]
