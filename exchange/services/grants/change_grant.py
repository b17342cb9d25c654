"""Change a grant: accept, refuse, pause, resume, withdraw, revoke, invalidate.

In:  whose grant, which, and a Change: event, actor, coded reason, when they acted.
Out: the grant as it stands afterwards; a row of its history and a leaf.
It takes the row lock that every use takes, so each answer agrees with the log's order and the very
next query on any worker is judged anew. Ending a `contribute` consent takes its records out of
every answer in the same transaction. Source: consent.md, 5 and 8.
"""

from __future__ import annotations

from dataclasses import replace
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
from exchange.domain.ids import parse
from exchange.domain.queries import Asker
from exchange.errors import AbsentError, GrantTransition, InvalidField
from exchange.services.grants.carried_answers import carried_answers
from exchange.services.grants.ports import StoredGrant
from exchange.services.grants.read_artefact import stored_artefact
from exchange.services.grants.show_grant import Standing, standing
from exchange.services.grants.supersede_grant import supersede
from exchange.services.grants.write_events import Change, event_row, write_event_leaf
from exchange.services.log.write_leaves import standard_base64
from exchange.services.ports import Ports, Work

# Done already: the same event again changes nothing.
_AFTER = {
    GrantEvent.ACCEPT: GrantState.ACTIVE,
    GrantEvent.REFUSE: GrantState.REJECTED,
    GrantEvent.PAUSE: GrantState.PAUSED,
    GrantEvent.RESUME: GrantState.ACTIVE,
    GrantEvent.WITHDRAW: GrantState.WITHDRAWN,
    GrantEvent.REVOKE: GrantState.REVOKED,
    GrantEvent.INVALIDATE: GrantState.INVALIDATED,
}
_ENDING = frozenset({GrantState.WITHDRAWN, GrantState.REVOKED, GrantState.INVALIDATED})


def relayed(
    event: GrantEvent,
    caller: Asker,
    ports: Ports,
    *,
    acted_at: int | None = None,
    channel: Channel | None = None,
) -> Change:
    """Return the subject's wish as the grantee passes it on; one told over a day ago is flagged.

    Args:
        event: WITHDRAW, PAUSE or RESUME.

    Raises:
        InvalidField: it is said to have been told in the future.
    """
    now = ports.now()
    told_at = now if acted_at is None else acted_at
    if told_at > now + CLOCK_SECONDS:
        raise InvalidField("must not lie ahead", field="acted_at")
    relay = "relay_late" if relayed_late(told_at, now) else "relay"
    return Change(
        event=event,
        actor=Actor.SUBJECT,
        reason=f"{relay}.{channel}" if channel else relay,
        acted_at=told_at,
        by=_key(caller),
    )


def revocation(reason: RevokeReason, caller: Asker, ports: Ports) -> Change:
    """Return the grantee's own act."""
    return Change(
        event=GrantEvent.REVOKE,
        actor=Actor.GRANTEE,
        reason=reason.value,
        acted_at=ports.now(),
        by=_key(caller),
    )


def ordered(event: GrantEvent, caller: Asker, reason: str, ports: Ports) -> Change:
    """Return what a regulator orders.

    Args:
        event: PAUSE, RESUME, REVOKE or INVALIDATE.
        reason: coded.
    """
    return Change(
        event=event,
        actor=Actor.REGULATOR,
        reason=reason,
        acted_at=ports.now(),
        by=_key(caller),
    )


def by_exchange(event: GrantEvent, reason: str, ports: Ports) -> Change:
    """Return what the exchange itself does: its operator, or its nightly check."""
    return Change(
        event=event,
        actor=Actor.EXCHANGE,
        reason=reason,
        acted_at=ports.now(),
        by="exchange",
    )


def change_grant(grantee: str, grant_id: UUID, change: Change, ports: Ports) -> Standing:
    """Change a grant in a transaction of its own; the same change again changes nothing.

    Raises:
        AbsentError: there is no such grant of this member.
        GrantTransition: its state, its legal basis or the actor does not allow the event.
    """
    with ports.begin() as work:
        changed = change_within(grantee, grant_id, change, work, ports)
        work.commit()
    return changed


def change_within(
    grantee: str, grant_id: UUID, change: Change, work: Work, ports: Ports
) -> Standing:
    """Change a grant within an open unit of work; the caller commits.

    Raises:
        AbsentError: there is no such grant of this member.
        GrantTransition: its state, its legal basis or the actor does not allow the event.
    """
    now = ports.now()
    stored = work.grants.find(grantee, grant_id, lock=True)
    if stored is None:
        raise AbsentError
    before = standing(stored, now, replayed=True)
    if _done(before, change):
        return before
    after = _next(before, change, ports)
    expires = _expires(stored, change)
    if change.event is GrantEvent.ACCEPT:
        _supersede(stored, change, work, ports)
    work.grants.move(stored, after, expires)
    answers: list[bytes] = []
    if change.event is GrantEvent.INVALIDATE:
        answers = carried_answers(stored, work, ports)
    told = {"answers": [standard_base64(one) for one in answers]} if answers else None
    leaf_hash = write_event_leaf(stored, change, work, ports, told=told)
    work.grants.add_event(event_row(stored, change, after, leaf_hash, ports))
    if after in _ENDING and stored.held.purpose == Purpose.CONTRIBUTE and _by_consent(stored):
        work.grants.suppress_records(stored)  # Last: whoever waits for it waits for the commit.
    held = replace(stored.held, state=after, expires=expires)
    return replace(standing(stored._replace(held=held), now), answers=tuple(answers))


def _done(before: Standing, change: Change) -> bool:
    last = before.grant.last
    return (
        before.state is _AFTER[change.event]
        and last.event is change.event
        and last.actor is change.actor
    )


def _next(before: Standing, change: Change, ports: Ports) -> GrantState:
    if change.event is GrantEvent.WITHDRAW and not (
        ports.terms.profile.objection_ends or _by_consent(before.grant)
    ):
        raise GrantTransition("a grant that rests on another basis than consent is not withdrawn")
    paused_by = before.grant.last.actor if before.state is GrantState.PAUSED else None
    try:
        return next_state(before.state, change.event, change.actor, paused_by)
    except TransitionRefused as error:
        raise GrantTransition(str(error)) from error


def _expires(stored: StoredGrant, change: Change) -> int:
    """Return the grant's end: that of its artefact, once the borrower has accepted."""
    accepted = change.event is GrantEvent.ACCEPT
    return stored_artefact(stored.artefact).exp if accepted else stored.held.expires


def _supersede(stored: StoredGrant, change: Change, work: Work, ports: Ports) -> None:
    """End the grant that an accepted one takes the place of, where that is still in force."""
    named = stored_artefact(stored.artefact).supersedes
    old_id = parse("gnt", named, field="artefact") if named else None
    old = work.grants.find(stored.held.grantee, old_id, lock=True) if old_id else None
    if old and standing(old, ports.now()).state is GrantState.ACTIVE:
        supersede(old, change.by, work, ports)


def _by_consent(stored: StoredGrant) -> bool:
    return stored_artefact(stored.artefact).legal_basis is LegalBasis.CONSENT


def _key(caller: Asker) -> str:
    return f"{caller.member}/{caller.key}"
