"""Open a dispute for a borrower who came to the operator: the account is named, not the record.

In:  whose account, and what its borrower says.
Out: the dispute. The same id and words again give the first one.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from uuid import UUID

from exchange.domain.life.disputes import Cause
from exchange.errors import AbsentError
from exchange.services.disputes.open_dispute import DisputeOpening, open_dispute
from exchange.services.disputes.show_disputes import DisputeView
from exchange.services.disputes.voices import of_operator
from exchange.services.ports import Ports


@dataclass(frozen=True, slots=True, kw_only=True)
class SpokenFor:
    """What a borrower asked the operator to dispute."""

    dispute_id: UUID
    member: str
    account_ref: str
    cause: Cause
    text: str

    @property
    def digest(self) -> bytes:
        """SHA-256 of what was asked."""
        asked = [self.member, self.account_ref, self.cause, self.text]
        return hashlib.sha256(json.dumps(asked).encode()).digest()


def open_for_borrower(spoken: SpokenFor, ports: Ports) -> DisputeView:
    """Open a dispute.

    Raises:
        AbsentError: the member has no such account, or its record is gone.
        InvalidField, DisputeConflict, QuotaError: as in `open_dispute`.
    """
    with ports.begin() as work:
        record = work.disputes.record_of_account(spoken.member, spoken.account_ref)
    if record is None:
        raise AbsentError("that member reports no such account", field="account_ref")
    opening = DisputeOpening(
        dispute_id=spoken.dispute_id,
        account_ref=None,
        record_id=record.record_id,
        cause=spoken.cause,
        text=spoken.text,
        digest=spoken.digest,
    )
    return open_dispute(opening, of_operator(), ports)
