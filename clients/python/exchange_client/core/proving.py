"""Redeem receipts: fetch the proof that the leaf is in the log, and verify it.

Between the answer and the log's next checkpoint the exchange gives a signed promise instead.
Source: log.md 10.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from exchange_client.core.calls import Call, Flow, Reply
from exchange_client.core.setup import Desk
from exchange_client.errors import NotYetLogged
from exchange_client.proofs import VerifiedProof
from exchange_client.receipts import Receipt, prove

WAIT_SECONDS_MAX: Final = 5  # that the exchange is asked to hold one request
PAUSE_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenReceipt:
    """A receipt whose leaf stands in the pinned log."""

    receipt: Receipt
    proof: bytes = field(repr=False)  # `.tlog-proof`: keep it beside the receipt
    verified: VerifiedProof


def redeem(
    desk: Desk, receipt: Receipt, wait_seconds: int, *, final: bool = False
) -> Flow[ProvenReceipt]:
    """Fetch and verify the proof of a receipt, waiting for the log where it must.

    Args:
        final: take no checkpoint that lacks the quorum which the exchange's policy asks for.

    Raises:
        NotYetLogged: there is no proof after that time.
        InclusionInvalid: the proof is of another leaf, log or tree. ReceiptInvalid: the leaf says
            something else. Keep both: they are evidence against the exchange. LogForked: its
            checkpoint contradicts one that was shown before.
    """
    ends = desk.now() + wait_seconds
    pause = 0.0
    while True:
        hold = max(0, min(WAIT_SECONDS_MAX, ends - desk.now()))
        reply = yield _call(receipt, hold, pause, final=final)
        if reply.status == 200:
            verified = prove(receipt, reply.body, desk.pins)
            desk.gossip.learn(verified.checkpoint)
            return ProvenReceipt(receipt=receipt, proof=reply.body, verified=verified)
        pause = _pause(reply)
        if desk.now() + pause >= ends:
            raise NotYetLogged(f"no such proof of the leaf after {wait_seconds} s")


def _call(receipt: Receipt, hold_seconds: int, pause_seconds: float, *, final: bool) -> Call:
    return Call(
        method="GET",
        path=f"/v1/receipts/{receipt.leaf}{'?final=1' if final else ''}",
        accepted=frozenset({200, 202}),
        prefer=f"wait={hold_seconds}" if hold_seconds else None,
        pause_seconds=pause_seconds,
    )


def _pause(reply: Reply) -> float:
    return max(PAUSE_SECONDS, reply.retry_after_seconds or 0.0)
