"""`cx dispute`: disputes about one's own records; `cx statement`: the borrower's own word."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from exchange_client.batches.rows import Row, read_rows
from exchange_client.cli.options import Keyed, Pinned, Telling, open_exchange
from exchange_client.cli.telling import note, tell
from exchange_client.core.ids import new_id
from exchange_client.core.records.disputing import (
    Dispute,
    DisputeAnswer,
    DisputeOpening,
    DisputeStep,
)
from exchange_client.errors import UsageError

Results = Literal["ACCURATE", "MODIFIED", "DELETED_ERROR", "DELETED_FRAUD"]
DisputeId = Annotated[str, typer.Argument(help="dsp_…")]
TextFile = Annotated[
    Path, typer.Option(exists=True, dir_okay=False, help="file with the words, UTF-8")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Disputed:
    """What the borrower disputes."""

    account: Annotated[str, typer.Option(help="your own reference of the account")]
    cause: Annotated[str, typer.Option(help="such as WRONG_AMOUNT or NOT_MINE")]
    text: TextFile
    dispute_id: Annotated[
        str | None, typer.Option(help="of an opening that got no answer, to send it again")
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What the member found."""

    result: Annotated[Results, typer.Option(help="what you found")]
    text: TextFile
    row: Annotated[
        Path | None, typer.Option(help="for MODIFIED: a file with the one amended row")
    ] = None


def open_(telling: Telling, pinned: Pinned, keyed: Keyed, disputed: Disputed) -> None:
    """Open a dispute for a borrower of your own: every answer carries its flag from now on."""
    opening = DisputeOpening(
        account_ref=disputed.account,
        cause=disputed.cause,
        text=_words(disputed.text),
        dispute_id=disputed.dispute_id or new_id("dsp"),
    )
    with open_exchange(telling, pinned, keyed) as exchange:
        note(f"dispute id {opening.dispute_id}")
        _tell(exchange.open_dispute(opening), telling)


def list_(
    telling: Telling,
    pinned: Pinned,
    keyed: Keyed,
    state: Annotated[str | None, typer.Option(help="OPEN, ANSWERED, CLOSED or WITHDRAWN")] = None,
    overdue: Annotated[bool, typer.Option("--overdue", help="overdue answers only")] = False,
) -> None:
    """List disputes about your own records."""
    with open_exchange(telling, pinned, keyed) as exchange:
        found = exchange.disputes(state=state, overdue=overdue)
    lines = "\n".join(_line(one) for one in found) or "no disputes"
    tell({"disputes": [asdict(one) for one in found]}, lines, as_json=telling.as_json)


def show(telling: Telling, pinned: Pinned, keyed: Keyed, dispute_id: DisputeId) -> None:
    """Show one dispute with everything that was said in it."""
    with open_exchange(telling, pinned, keyed) as exchange:
        found = exchange.dispute(dispute_id)
    lines = [_line(found), *(line for one in found.history for line in _said(one))]
    tell(asdict(found), "\n".join(lines), as_json=telling.as_json)


def answer(
    telling: Telling, pinned: Pinned, keyed: Keyed, dispute_id: DisputeId, answered: Answered
) -> None:
    """Answer a dispute; MODIFIED sends its amended row along, and both stand or neither does."""
    found = DisputeAnswer(
        result=answered.result, text=_words(answered.text), row=_one_row(answered.row)
    )
    with open_exchange(telling, pinned, keyed) as exchange:
        _tell(exchange.answer_dispute(dispute_id, found), telling)


def close(
    telling: Telling,
    pinned: Pinned,
    keyed: Keyed,
    dispute_id: DisputeId,
    agreed: Annotated[bool, typer.Option("--agreed/--not-agreed", help="the borrower's word")],
) -> None:
    """Relay the borrower's word on an answer. Only the borrower agrees to ACCURATE."""
    with open_exchange(telling, pinned, keyed) as exchange:
        _tell(exchange.close_dispute(dispute_id, agreed=agreed), telling)


def state(
    telling: Telling,
    pinned: Pinned,
    keyed: Keyed,
    account: Annotated[str, typer.Option(help="your own reference of the account")],
    text: TextFile,
) -> None:
    """Relay a statement of your own borrower, at most 200 characters."""
    with open_exchange(telling, pinned, keyed) as exchange:
        made = exchange.make_statement(account, _words(text))
    tell({"statement_id": made}, made, as_json=telling.as_json)


def _words(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except UnicodeDecodeError as error:
        raise UsageError(f"{file}: is not UTF-8") from error


def _one_row(file: Path | None) -> Row | None:
    if file is None:
        return None
    rows = list(read_rows(file))
    if len(rows) != 1:
        raise UsageError(f"{file}: must hold one row, not {len(rows)}")
    return rows[0]


def _tell(dispute: Dispute, telling: Telling) -> None:
    lines = [_line(dispute), *(f"  {one.event} by {one.actor}" for one in dispute.history)]
    tell(asdict(dispute), "\n".join(lines), as_json=telling.as_json)


def _said(one: DisputeStep) -> list[str]:
    """Write a step with its words: only for whoever asked to read them."""
    day = datetime.fromtimestamp(one.at, UTC).date()
    result = f": {one.result}" if one.result else ""
    return [
        f"  {day} {one.event} by {one.actor}{result}",
        *(f"    {line}" for line in one.text.splitlines()),
    ]


def _line(one: Dispute) -> str:
    late = f", {one.days_late} days late" if one.days_late else ""
    ended = one.result or f"due {one.due_on}"
    return f"{one.dispute_id}  {one.account_ref}  {one.cause}  {one.state}  {ended}{late}"
