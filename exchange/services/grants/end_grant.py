"""End a grant: the subject withdraws, relayed by the grantee, or the grantee revokes it.

It takes the row lock that every use takes, so each answer agrees with the log's order and the very
next query on any worker is refused. Ending a `contribute` consent takes its records out of every
answer in the same transaction. Source: consent.md, 5 and 8.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from consent.artefact import CLOCK_SECONDS
from consent.grants import (
    Actor,
    Channel,
    GrantEvent,
    GrantState,
    RevokeReason,
    TransitionRefused,
    next_state,
    relayed_late,
)
from consent.profiles import LegalBasis
from consent.purposes import Purpose
from exchange.crypto.signing import claims_of, parse_jws
from exchange.domain.ids import show, uuid7
from exchange.domain.queries import Asker
from exchange.errors import AbsentError, GrantTransition, InvalidField
from exchange.services.grants.ports import GrantEventRow, StoredGrant
from exchange.services.grants.register_grant import GRANT_TYPE
from exchange.services.grants.show_grant import Standing, standing
from exchange.services.log.write_leaves import LeafDraft, standard_base64, write_leaves
from exchange.services.ports import Ports, Work

_ENDED = {
    (GrantState.WITHDRAWN, GrantEvent.WITHDRAW),
    (GrantState.REVOKED, GrantEvent.REVOKE),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What ends a grant, by whose wish, and when they said so."""

    event: GrantEvent
    actor: Actor
    reason: str  # coded
    acted_at: int  # unix seconds


def withdrawal(acted_at: int | None, channel: Channel | None, now: int) -> Ending:
    """Return the subject's wish as the grantee relays it; a relay after 24 hours is flagged.

    Raises:
        InvalidField: it is said to have been told in the future.
    """
    told_at = now if acted_at is None else acted_at
    if told_at > now + CLOCK_SECONDS:
        raise InvalidField("must not lie ahead", field="acted_at")
    relay = "relay_late" if relayed_late(told_at, now) else "relay"
    return Ending(
        event=GrantEvent.WITHDRAW,
        actor=Actor.SUBJECT,
        reason=f"{relay}.{channel}" if channel else relay,
        acted_at=told_at,
    )


def revocation(reason: RevokeReason, now: int) -> Ending:
    """Return the grantee's own act."""
    return Ending(event=GrantEvent.REVOKE, actor=Actor.GRANTEE, reason=reason.value, acted_at=now)


def end_grant(grant_id: UUID, ending: Ending, caller: Asker, ports: Ports) -> Standing:
    """End a grant of the caller; ending it again in the same way changes nothing.

    Raises:
        AbsentError: there is no such grant of this member.
        GrantTransition: its state or its legal basis does not allow the event.
    """
    now = ports.now()
    with ports.begin() as work:
        stored = work.grants.find(caller.member, grant_id, lock=True)
        if stored is None:
            raise AbsentError
        before = standing(stored, now, replayed=True)
        if (before.state, ending.event) in _ENDED:
            return before
        after = _next(before, ending, ports)
        work.grants.set_state(stored.token_index, caller.member, grant_id, after)
        if stored.held.purpose == Purpose.CONTRIBUTE and _by_consent(stored):
            work.grants.suppress_records(stored.token_index, caller.member, grant_id)
        leaf_hash = _write_leaf(stored, ending, caller, ports, work)
        work.grants.add_event(_event(stored, ending, after, leaf_hash, ports))
        work.commit()
    ended = stored._replace(held=replace(stored.held, state=after))
    return standing(ended, now)


def _next(before: Standing, ending: Ending, ports: Ports) -> GrantState:
    if ending.event is GrantEvent.WITHDRAW and not (
        ports.terms.profile.objection_ends or _by_consent(before.grant)
    ):
        raise GrantTransition("a grant that rests on another basis than consent is not withdrawn")
    try:
        return next_state(before.state, ending.event, ending.actor)
    except TransitionRefused as error:
        raise GrantTransition(str(error)) from error


def _by_consent(stored: StoredGrant) -> bool:
    claims = claims_of(parse_jws(stored.artefact.decode("ascii"), typ=GRANT_TYPE))
    return claims["legal_basis"] == LegalBasis.CONSENT


def _write_leaf(
    stored: StoredGrant, ending: Ending, caller: Asker, ports: Ports, work: Work
) -> bytes:
    purpose = str(stored.held.purpose)
    draft = LeafDraft(
        kind="grant",
        member=caller.member,
        subject=ports.keyring.pseudonym(stored.token_index),
        subject_slot={"purpose": purpose, "event": ending.event.value},
        audit_slot={
            "grant": show("gnt", stored.grant_id),
            "artefact_sha256": standard_base64(stored.digest),
            "level": stored.held.level,
            "policy": stored.policy,
            "key": f"{caller.member}/{caller.key}",
            "reason": ending.reason,
        },
        purpose=purpose,
    )
    return write_leaves(work, [draft], ports, ports.now())[0].leaf_hash


def _event(
    stored: StoredGrant, ending: Ending, after: GrantState, leaf_hash: bytes, ports: Ports
) -> GrantEventRow:
    return GrantEventRow(
        event_id=uuid7(ports.now_ms(), ports.random_bytes),
        grantee=stored.held.grantee,
        grant_id=stored.grant_id,
        event=ending.event.value,
        actor=ending.actor.value,
        state=after.value,
        reason=ending.reason,
        acted_at=ending.acted_at,
        effective_at=ports.now(),
        leaf_hash=leaf_hash,
    )
