"""Take the evidence behind a grant that was asked for: its hash is compared, no byte is kept.

What a borrower filled in, said or was sent stays with the lender. That the lender still holds it,
and that it is what the artefact names, is all that the exchange needs to know; who has to read it
orders it from the lender. Source: consent.md, 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from consent.grants import GrantEvent
from exchange.domain.queries import Asker
from exchange.errors import GrantEvidence, GrantTransition
from exchange.services.grants.note_event import note_event
from exchange.services.grants.ports import GrantEventRow, StoredGrant
from exchange.services.grants.read_artefact import stored_artefact
from exchange.services.grants.show_grant import Standing
from exchange.services.ports import Ports


def show_evidence(grant_id: UUID, sha256: bytes, caller: Asker, ports: Ports) -> Standing:
    """Hold what the caller sent against what the grant's artefact names.

    Args:
        sha256: of the bytes that were sent.

    Raises:
        AbsentError: there is no such grant of this member.
        GrantEvidence: it is not the evidence that the artefact names; the term goes on.
        GrantTransition: it was not asked for, or too late.
    """

    def noted(stored: StoredGrant, events: Sequence[GrantEventRow]) -> bool:
        if not any(one.event == GrantEvent.ASK_EVIDENCE for one in events):
            raise GrantTransition("its evidence was not asked for")
        if stored_artefact(stored.artefact).evidence.sha256 != sha256:
            raise GrantEvidence("must be the evidence that the artefact names", field="body")
        return awaited(events) is None

    return note_event(grant_id, GrantEvent.SHOW_EVIDENCE, noted, caller, ports)


def awaited(events: Sequence[GrantEventRow]) -> int | None:
    """Say when evidence was asked for that was not shown yet; None where nothing is awaited.

    Args:
        events: the history of a grant, oldest first.
    """
    asked = None
    for one in events:
        if one.event == GrantEvent.ASK_EVIDENCE:
            asked = one.effective_at
        elif one.event in (GrantEvent.SHOW_EVIDENCE, GrantEvent.INVALIDATE):
            asked = None
    return asked
