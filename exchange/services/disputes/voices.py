"""Who speaks in a dispute, and what they may touch."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from exchange.domain.members import Role
from exchange.domain.queries import Asker
from exchange.services.disputes.ports import DisputedRecord, StoredDispute
from exchange.services.ports import Work

# In capitals: no member's id can be one of them.
SUBJECT, OPERATOR, REGULATOR, EXCHANGE = "SUBJECT", "OPERATOR", "REGULATOR", "EXCHANGE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """The borrower, the operator who speaks for them, or a member for its own borrower."""

    actor: str  # SUBJECT, OPERATOR, REGULATOR, EXCHANGE, or a member's id
    indices: tuple[bytes, ...] = ()  # of the borrower's identity tokens; empty for others

    @property
    def speaks_freely(self) -> bool:
        """Tell whether it is the borrower, or the operator in their place."""
        return self.actor in (SUBJECT, OPERATOR, EXCHANGE)


def of_subject(*indices: bytes) -> Voice:
    """Speak as the borrower whose identity tokens these are, as they are indexed at rest."""
    return Voice(actor=SUBJECT, indices=indices)


def of_member(caller: Asker) -> Voice:
    """Speak as a member, for its own borrower; a regulator only looks."""
    return Voice(actor=REGULATOR if Role.REGULATOR in caller.roles else caller.member)


def of_operator() -> Voice:
    """Speak as the operator, for a borrower who asked for it."""
    return Voice(actor=OPERATOR)


def of_exchange() -> Voice:
    """Speak as the exchange itself, where only time has passed."""
    return Voice(actor=EXCHANGE)


def record_for(
    voice: Voice, account_ref: str | None, record_id: UUID | None, work: Work
) -> DisputedRecord | None:
    """Find the record that is meant, if this voice may speak about it.

    A member names its own account; the borrower one of its own records; the operator any record.
    """
    if not voice.speaks_freely:
        return work.disputes.record_of_account(voice.actor, account_ref) if account_ref else None
    found = work.disputes.record(record_id) if record_id else None
    if found is None or (voice.actor == SUBJECT and not set(found.indices) & set(voice.indices)):
        return None
    return found


def may_see(voice: Voice, dispute: StoredDispute) -> bool:
    """Tell whether a voice may see where a dispute stands; a regulator sees every clock."""
    return voice.actor == REGULATOR or may_hear(voice, dispute)


def may_hear(voice: Voice, dispute: StoredDispute) -> bool:
    """Tell whether what was said in a dispute is this voice's to read."""
    if voice.actor in (OPERATOR, EXCHANGE):
        return True
    if voice.actor == SUBJECT:
        return dispute.token_index in voice.indices
    return dispute.member == voice.actor
