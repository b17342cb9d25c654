"""Report that a loan was paid out: the evidence that it was checked before.

Order: tokens -> report under an id made here -> receipt bound to the very bytes that were sent.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from exchange_client.batches.receipts import RecordReceipt, open_record_receipt
from exchange_client.core.calls import JSON_TYPE, Call, Flow
from exchange_client.core.encoding import b64url, dumps
from exchange_client.core.ids import check_id, new_id
from exchange_client.core.setup import Desk
from exchange_client.core.tokens import evaluate
from exchange_client.errors import UnverifiedResponse
from exchange_client.identifiers import Identifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Disbursement:
    """One loan that was paid out."""

    identifier: Identifier = field(repr=False)  # the borrower's primary identity
    account_ref: str
    paid_at: int  # unix seconds
    query_id: str | None = None  # the look it was decided by
    disbursement_id: str = field(default_factory=lambda: new_id("dsb"))

    def __post_init__(self) -> None:
        check_id("dsb", self.disbursement_id)
        if self.query_id is not None:
            check_id("qry", self.query_id)


def disburse(desk: Desk, told: Disbursement) -> Flow[RecordReceipt]:
    """Report one loan; the same report again gets the same receipt.

    Raises:
        Refused: it was paid in the future, or the query is none of this member and subject.
        ReceiptInvalid: the receipt does not speak of what was sent.
    """
    epoch = desk.pins.current_epoch
    tokens = yield from evaluate([told.identifier], epoch)
    said: dict[str, object] = {
        "disbursement_id": told.disbursement_id,
        "epoch": epoch.epoch,
        "token": b64url(tokens[told.identifier]),
        "account_ref": told.account_ref,
        "paid_at": told.paid_at,
    }
    body = dumps(said if told.query_id is None else {**said, "query_id": told.query_id})
    reply = yield Call(
        method="POST", path="/v1/disbursements", body=lambda: body, content_type=JSON_TYPE
    )
    receipt = reply.json().get("receipt")
    if not isinstance(receipt, str):
        raise UnverifiedResponse("the response holds no receipt")
    digest = hashlib.sha256(body).digest()
    return open_record_receipt(receipt, desk.pins, desk.member, told.account_ref, digest)
