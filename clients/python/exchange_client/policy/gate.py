"""The gate before a payout: no money leaves without a proven look at that application.

What must hold, by the numbers in the code (`GATE_HOLDS`). What ties a receipt to an application is
the leaf: its audit slot names the application that the question named, the proof opens it to the
member that asked, and the log's signature stands over both. No journal of ours is needed or
believed.
Source: records.md 8 and 14; log.md 3 (what the leaf of a query says).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final, Self

from exchange_client._consent.purposes import NEW_CREDIT
from exchange_client.answers import Outcome
from exchange_client.core.encoding import loads_object
from exchange_client.core.proving import ProvenReceipt
from exchange_client.core.setup import Desk
from exchange_client.errors import NotCleared, UsageError
from exchange_client.log.policy import Policy as Witnesses
from exchange_client.pins import Pins
from exchange_client.receipts import Receipt, Verified, check_audience, verify

AGE_HOURS: Final = 72
AGE_HOURS_MAX: Final = 720  # 30 days: an older look no longer clears a loan (records.md 14)

GATE_HOLDS: Final = MappingProxyType(
    {
        1: "the receipt verifies from the pins, and was issued to this member",
        2: "its leaf stands in the log; where witnesses are given, under their quorum",
        3: "its leaf names this application",
        4: "its purpose is the one that the application needs",
        5: "its use has not ended",
        6: "the look is not older than is allowed",
        7: "the question was permitted: something was looked up",
    }
)
_CODES: Final = MappingProxyType(
    {
        2: "gate.unproven",
        3: "gate.application",
        4: "gate.purpose",
        5: "gate.expired",
        6: "gate.too_old",
        7: "gate.withheld",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleared:
    """A payout that may go ahead as far as the look is concerned. It says nothing of credit."""

    application_ref: str
    query_id: str  # for `Disbursement(query_id=…)`
    purpose: str
    outcome: Outcome
    looked_at: int  # unix seconds
    log_index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Who pays out, and against what receipts are held. Nothing is sent anywhere."""

    member: str
    pins: Pins
    now: Callable[[], int]  # unix seconds
    witnesses: Witnesses | None = None  # whose quorum is asked for

    @classmethod
    def of(cls, desk: Desk, witnesses: Witnesses | None = None) -> Self:
        """Make the gate of a member: `Gate.of(exchange.desk)`."""
        return cls(member=desk.member, pins=desk.pins, now=desk.now, witnesses=witnesses)

    def require(
        self,
        receipt: ProvenReceipt | Path | str,
        application_ref: str,
        max_age_hours: int = AGE_HOURS,
        purpose: str = "credit_application",
    ) -> Cleared:
        """Clear a payout, or refuse it.

        Args:
            receipt: with its proof, or its file with the proof beside it.
            application_ref: as the question named it; by default it named its query id.
            purpose: credit_application, or guarantor_check for who stands in for it.

        Raises:
            NotCleared: the message starts with the number of what does not hold.
            ReceiptInvalid: receipt or proof prove nothing; keep them.
            UsageError: purpose or age are none that a payout may rest on.
        """
        if purpose not in NEW_CREDIT or not 0 < max_age_hours <= AGE_HOURS_MAX:
            named = " or ".join(sorted(NEW_CREDIT))
            raise UsageError(f"a payout rests on {named}, 1 to {AGE_HOURS_MAX} hours old")
        now = self.now()
        verified = self._verify(receipt, now)
        claims = verified.receipt.claims
        check_audience(verified.receipt, self.member)  # 1
        if verified.proof is None:  # 2
            raise _refused(2, "no proof is at hand: fetch it, and wait for it")
        audit = verified.proof.openings.get("audit")
        if audit is None or loads_object(audit).get("application") != application_ref:  # 3
            raise _refused(3, "the leaf names another application, or is not opened")
        if claims.purpose != purpose:  # 4
            raise _refused(4, f"the look was made for {claims.purpose}")
        if claims.exp <= now:  # 5
            raise _refused(5, "the answer's use has ended")
        if now - claims.iat > max_age_hours * 3600:  # 6
            raise _refused(6, f"the look is older than {max_age_hours} h")
        if claims.outcome == Outcome.WITHHELD:  # 7
            raise _refused(7, f"the question was not permitted ({claims.reason})")
        return _cleared(verified.receipt, application_ref, verified.proof.index)

    def _verify(self, receipt: ProvenReceipt | Path | str, now: int) -> Verified:
        """Verify whatever is handed in anew: an object proves nothing."""
        if isinstance(receipt, ProvenReceipt):
            text, proof = receipt.receipt.text, receipt.proof
            return verify(text, self.pins, proof=proof, now=now, policy=self.witnesses)
        verified = verify(receipt, self.pins, now=now)
        if verified.proof is None or self.witnesses is None:
            return verified
        return verify(receipt, self.pins, now=now, policy=self.witnesses)


def _cleared(receipt: Receipt, application_ref: str, log_index: int) -> Cleared:
    claims = receipt.claims
    return Cleared(
        application_ref=application_ref,
        query_id=claims.jti,
        purpose=claims.purpose,
        outcome=Outcome(claims.outcome),
        looked_at=claims.iat,
        log_index=log_index,
    )


def _refused(number: int, detail: str) -> NotCleared:
    return NotCleared(_CODES[number], f"({number}) {detail}")
