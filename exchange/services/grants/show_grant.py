"""Show a grant of the caller as it stands at this time, and what happened to it.

Somebody else's grant and no grant at all are the same answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from consent.grants import GrantState, derive_state
from exchange.domain.queries import Asker
from exchange.errors import AbsentError
from exchange.services.grants.ports import GrantEventRow, StoredGrant
from exchange.services.ports import Ports


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A grant, and where it stands: what time and uses have ended is ended."""

    grant: StoredGrant
    state: GrantState
    replayed: bool = False  # the same was asked for and done before
    # Leaf hashes of what a grant carried that was just found never valid.
    answers: tuple[bytes, ...] = ()


def show_grant(grant_id: UUID, caller: Asker, ports: Ports) -> Standing:
    """Return a grant of the caller with its state.

    Raises:
        AbsentError: there is no such grant of this member.
    """
    with ports.begin() as work:
        stored = work.grants.find(caller.member, grant_id)
    if stored is None:
        raise AbsentError
    return standing(stored, ports.now())


def show_events(grant_id: UUID, caller: Asker, ports: Ports) -> list[GrantEventRow]:
    """Return the history of a grant of the caller, oldest first.

    Raises:
        AbsentError: there is no such grant of this member.
    """
    with ports.begin() as work:
        events = work.grants.events(caller.member, grant_id)
    if not events:
        raise AbsentError
    return events


def standing(stored: StoredGrant, now: int, *, replayed: bool = False) -> Standing:
    """Derive where a grant stands at this time."""
    held = stored.held
    state = derive_state(held.state, now, held.expires, held.uses, held.max_uses)
    return Standing(grant=stored, state=state, replayed=replayed)
