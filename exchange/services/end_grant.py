"""End a grant: the subject withdraws, relayed by the grantee, or the grantee revokes it.

It takes the row lock that every use takes, so each answer agrees with the log's order and the very
next query on any worker is refused. Ending a `contribute` consent takes its records out of every
answer in the same transaction. Source: consent.md, 5 and 8.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from consent.grants import (
    Actor,
    GrantEvent,
    GrantState,
    TransitionRefused,
    derive_state,
    next_state,
)
from consent.purposes import Purpose
from exchange.domain.ids import show, uuid7
from exchange.domain.queries import Asker
from exchange.errors import AbsentError, GrantTransition
from exchange.services.grant_ports import GrantEventRow, StoredGrant
from exchange.services.ports import Ports, Work
from exchange.services.write_leaves import LeafDraft, write_leaves


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What ends a grant."""

    event: GrantEvent  # WITHDRAW or REVOKE
    actor: Actor
    reason: str  # a coded word, or "": a withdrawal needs none
    acted_at: int  # unix seconds at which the actor did so


def end_grant(grant_id: UUID, ending: Ending, caller: Asker, ports: Ports) -> StoredGrant:
    """End a grant of the caller; ending it again in the same way changes nothing.

    Raises:
        AbsentError: there is no such grant of this member.
        GrantTransition: its state does not allow the event.
    """
    now = ports.now()
    with ports.begin() as work:
        stored = work.grants.find(caller.member, grant_id, lock=True)
        if stored is None:
            raise AbsentError
        held = stored.held
        state = derive_state(held.state, now, held.expires, held.uses, held.max_uses)
        if _done(state, ending.event):
            return stored
        try:
            after = next_state(state, ending.event, ending.actor)
        except TransitionRefused as error:
            raise GrantTransition(str(error)) from error
        work.grants.set_state(stored.token_index, caller.member, grant_id, after)
        if ending.event is GrantEvent.WITHDRAW and held.purpose == Purpose.CONTRIBUTE:
            work.grants.suppress_records(stored.token_index, caller.member, grant_id)
        _log(stored, ending, after, caller, (ports, work, now))
        work.commit()
        return work.grants.find(caller.member, grant_id) or stored


def show_grant(grant_id: UUID, caller: Asker, ports: Ports) -> tuple[StoredGrant, GrantState]:
    """Return a grant of the caller, with the state it has at this time.

    Raises:
        AbsentError: there is no such grant of this member.
    """
    with ports.begin() as work:
        stored = work.grants.find(caller.member, grant_id)
    if stored is None:
        raise AbsentError
    held = stored.held
    return stored, derive_state(held.state, ports.now(), held.expires, held.uses, held.max_uses)


def _done(state: GrantState, event: GrantEvent) -> bool:
    return (state, event) in {
        (GrantState.WITHDRAWN, GrantEvent.WITHDRAW),
        (GrantState.REVOKED, GrantEvent.REVOKE),
    }


def _log(
    stored: StoredGrant,
    ending: Ending,
    after: GrantState,
    caller: Asker,
    within: tuple[Ports, Work, int],
) -> None:
    ports, work, now = within
    purpose = str(stored.held.purpose)
    audit: dict[str, str | int] = {
        "grant": show("gnt", stored.grant_id),
        "level": stored.held.level,
        "policy": stored.policy,
        "key": f"{caller.member}/{caller.key}",
    }
    if ending.reason:
        audit["reason"] = ending.reason
    draft = LeafDraft(
        kind="grant",
        member=caller.member,
        subject=ports.keyring.pseudonym(stored.token_index),
        subject_slot={"purpose": purpose, "event": ending.event.value},
        audit_slot=audit,
        purpose=purpose,
    )
    leaf = write_leaves(work, [draft], ports, now)[0]
    work.grants.add_event(
        GrantEventRow(
            event_id=uuid7(ports.now_ms(), ports.random_bytes),
            grantee=caller.member,
            grant_id=stored.grant_id,
            event=ending.event.value,
            actor=ending.actor.value,
            state=after.value,
            reason=ending.reason,
            acted_at=ending.acted_at,
            effective_at=now,
            leaf_hash=leaf.leaf_hash,
        )
    )
