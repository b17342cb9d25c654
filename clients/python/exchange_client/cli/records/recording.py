"""`cx record`: one account at a time; `cx report quality`: what your contribution is worth."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from exchange_client.batches.receipts import RecordReceipt
from exchange_client.batches.rows import read_rows
from exchange_client.cli.options import Keyed, Pinned, Telling, open_exchange
from exchange_client.cli.telling import tell
from exchange_client.core.records.reporting import QualityReport
from exchange_client.errors import UsageError

RowFile = Annotated[Path, typer.Argument(help="a file with one row, as for cx upload")]
Deletions = Literal["DELETE_ERROR", "DELETE_FRAUD"]


def put(telling: Telling, pinned: Pinned, keyed: Keyed, file: RowFile) -> None:
    """Report one account, by the same rules as a file."""
    _put(telling, pinned, keyed, file, amends=False)


def amend(telling: Telling, pinned: Pinned, keyed: Keyed, file: RowFile) -> None:
    """Correct what was said of one account: the correction stands, the old word stays readable."""
    _put(telling, pinned, keyed, file, amends=True)


def delete(
    telling: Telling,
    pinned: Pinned,
    keyed: Keyed,
    account: Annotated[str, typer.Argument(help="your own reference of the account")],
    reason: Annotated[
        Deletions,
        typer.Option(help="DELETE_ERROR: never true; DELETE_FRAUD: identity theft, for ever"),
    ],
) -> None:
    """Withdraw everything said about one account, from the next answer on."""
    with open_exchange(telling, pinned, keyed) as exchange:
        _tell(exchange.delete_record(account, reason), telling)


def quality(telling: Telling, pinned: Pinned, keyed: Keyed) -> None:
    """Show your data quality by month, the depth it earns, and what changes when."""
    with open_exchange(telling, pinned, keyed) as exchange:
        reports = exchange.data_quality()
    lines = "\n".join(line for one in reports for line in _lines(one))
    tell({"reports": [asdict(one) for one in reports]}, lines, as_json=telling.as_json)


def _put(telling: Telling, pinned: Pinned, keyed: Keyed, file: Path, *, amends: bool) -> None:
    rows = list(read_rows(file))
    if len(rows) != 1:
        raise UsageError(f"{file}: must hold one row, not {len(rows)}")
    row = {**rows[0], "reason": "AMEND"} if amends else rows[0]
    with open_exchange(telling, pinned, keyed) as exchange:
        _tell(exchange.put_record(row), telling)


def _tell(receipt: RecordReceipt, telling: Telling) -> None:
    shown = {"account": receipt.account_ref, "event": receipt.event, "leaf": receipt.leaf}
    text = f"{receipt.account_ref}: {receipt.event}"
    tell({**shown, "receipt": receipt.text}, text, as_json=telling.as_json)


def _lines(report: QualityReport) -> list[str]:
    lines = [f"{report.member}: answers are {report.earned}"]
    if report.next_earned is not None and report.next_at is not None:
        day = datetime.fromtimestamp(report.next_at, UTC).date()
        lines.append(f"  {report.next_earned} from {day} (UTC)")
    lines += [
        f"  {one.month}  {one.dqi:3}  {one.quality}  {one.contribution}" for one in report.months
    ]
    return lines
