"""`cx disburse`: say that a loan was paid out."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Annotated

import typer

from exchange_client.cli.options import Keyed, Pinned, Telling, open_exchange
from exchange_client.cli.subjects import IdFile, read_subject
from exchange_client.cli.telling import note, tell
from exchange_client.core.disbursing import Disbursement
from exchange_client.core.ids import new_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """What was paid out, and by which look it was decided."""

    account: Annotated[str, typer.Option(help="your own reference of the account")]
    query: Annotated[str | None, typer.Option(help="id of the query it was decided by")] = None
    paid_at: Annotated[int | None, typer.Option(help="unix seconds; by default now")] = None
    disbursement_id: Annotated[
        str | None, typer.Option(help="of a report that got no answer, to send it again")
    ] = None


def disburse(telling: Telling, pinned: Pinned, keyed: Keyed, paid: Paid, id_file: IdFile) -> None:
    """Report a loan that was paid out: the regulator sees that it was checked before."""
    told = Disbursement(
        identifier=read_subject(id_file)[0],
        account_ref=paid.account,
        paid_at=int(time.time()) if paid.paid_at is None else paid.paid_at,
        query_id=paid.query,
        disbursement_id=paid.disbursement_id or new_id("dsb"),
    )
    with open_exchange(telling, pinned, keyed) as exchange:
        # Told before it is sent: without an answer, only this id reports the same loan again.
        note(f"disbursement id {told.disbursement_id}, paid at {told.paid_at}")
        receipt = exchange.disburse(told)
    shown = {
        "disbursement_id": told.disbursement_id,
        "account": receipt.account_ref,
        "leaf": receipt.leaf,
        "receipt": receipt.text,
    }
    tell(shown, f"logged as leaf {receipt.leaf}", as_json=telling.as_json)
