"""The fake registers grants by the exchange's own rules: form, fields, policy, notice, evidence."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from typing import Final

from exchange_client._consent.artefact import Artefact, check_together, parse_artefact
from exchange_client._consent.claims import ArtefactRefused
from exchange_client._consent.grants import Actor, GrantEvent, GrantState, next_state
from exchange_client._consent.notices import RegisteredNotice, check_notice, parse_notice
from exchange_client._consent.purposes import Party
from exchange_client._consent.sandbox.notices import sandbox_adverse_notices, sandbox_notices
from exchange_client._consent.terms import check_policy, hold
from exchange_client.core.encoding import JSON, b64url
from exchange_client.grants import ARTEFACT_BYTES_MAX, GRANT_TYPE
from exchange_client.testing.deciding import FakeGrant, TransitionRefused, law
from exchange_client.testing.messages import Caller, open_artefact
from exchange_client.testing.refusals import Refusal
from exchange_client.testing.standing.statuses import LIST
from exchange_client.testing.standing.telling import tell
from exchange_client.testing.world import EPOCH, EXCHANGE, PROFILE, World

_LENDER: Final = frozenset({Party.ASKER.value, Party.CONTRIBUTOR.value})
_LEVELS: Final = {GrantEvent.REGISTER: 1, GrantEvent.REQUEST: 2}  # of evidence
# What a grant's member is told: kind, who did it, reason.
_TOLD: Final = {
    GrantEvent.ACCEPT: ("GRANT_ACCEPTED", Actor.SUBJECT, ""),
    GrantEvent.REFUSE: ("GRANT_REJECTED", Actor.SUBJECT, ""),
    GrantEvent.WITHDRAW: ("GRANT_WITHDRAWN", Actor.SUBJECT, ""),
    GrantEvent.PAUSE: ("GRANT_PAUSED", Actor.SUBJECT, ""),
    GrantEvent.RESUME: ("GRANT_RESUMED", Actor.SUBJECT, ""),
    GrantEvent.ASK_EVIDENCE: ("GRANT_EVIDENCE_ASKED", Actor.EXCHANGE, "sample"),
}
_EVENTS: Final = {
    "withdraw": (GrantEvent.WITHDRAW, GrantState.WITHDRAWN),
    "pause": (GrantEvent.PAUSE, GrantState.PAUSED),
    "resume": (GrantEvent.RESUME, GrantState.ACTIVE),
}


def register(
    world: World,
    caller: Caller,
    body: Mapping[str, JSON],
    event: GrantEvent = GrantEvent.REGISTER,
) -> dict[str, object]:
    """Register an artefact under its own id, bound to its subject's token.

    Args:
        event: REGISTER, or REQUEST where the subject signs as well.

    Raises:
        Refusal: 422, the artefact is refused; 409, its id was used before, or the epoch is closed.
    """
    if body.keys() != {"artefact", "token", "epoch"}:
        raise Refusal(422, "request.field")
    if body["epoch"] != EPOCH:
        raise Refusal(409, "token.epoch", pointer="/epoch")
    text, token = str(body["artefact"]), str(body["token"])
    artefact = _read(world, caller, text)
    if artefact.evidence.level != _LEVELS[event]:
        raise Refusal(422, "grant.policy", pointer="/artefact/evidence/level")
    known = world.grants.get(artefact.jti)
    if known is None:
        known = _enter(world, caller, artefact, (text, token), event)
    if (known.artefact, known.token) != (text, token):
        raise Refusal(409, "grant.conflict", pointer="/artefact")
    return shown(world, known)


def relay(world: World, caller: Caller, grant_id: str, verb: str) -> dict[str, object]:
    """Pause, resume or withdraw a grant for its subject; the same again changes nothing.

    Raises:
        Refusal: 404, it is not the caller's; 409, its state does not allow it.
    """
    grant = world.grant_of(caller.member, grant_id)
    event, after = _EVENTS[verb]
    if grant.state(world.clock()) is not after:
        try:
            grant.happen(event, Actor.SUBJECT, world.clock())
        except TransitionRefused:
            raise Refusal(409, "grant.transition") from None
        leaf = _log(world, caller, grant, event.value)
        tell_change(world, grant, event, leaf)
    return shown(world, grant)


def tell_change(world: World, grant: FakeGrant, event: GrantEvent, leaf: bytes) -> None:
    """Tell a grant's member what happened to it, now."""
    now, (kind, actor, reason) = world.clock(), _TOLD[event]
    facts = {
        "grant_id": grant.grant_id,
        "state": grant.state(now).value,
        "actor": actor.value,
        "reason": reason,
        "acted_at": now,
        "effective_at": now,
        "leaf": b64url(leaf),
    }
    tell(world, grant.held.grantee, kind, facts)


def ask_evidence(world: World, grant_id: str) -> None:
    """Ask a grant's member for the evidence behind it, as the nightly sample does."""
    grant = world.grants[grant_id]
    next_state(grant.state(world.clock()), GrantEvent.ASK_EVIDENCE, Actor.EXCHANGE)
    grant.evidence_asked = True
    tell_change(world, grant, GrantEvent.ASK_EVIDENCE, grant.leaf)


def confirm_stop(world: World, caller: Caller, grant_id: str) -> dict[str, object]:
    """Take the word of a grant's member that it stopped.

    Raises:
        Refusal: 404, it is not the caller's; 409, nobody ended it.
    """
    grant, now = world.grant_of(caller.member, grant_id), world.clock()
    try:
        next_state(grant.state(now), GrantEvent.CONFIRM_STOP, Actor.GRANTEE)
    except TransitionRefused:
        raise Refusal(409, "grant.transition") from None
    return shown(world, grant)


def show_evidence(world: World, caller: Caller, grant_id: str, sent: bytes) -> dict[str, object]:
    """Hold what was sent against what the grant names.

    Raises:
        Refusal: 404, it is not the caller's; 409, nobody asked; 422, it is something else.
    """
    grant = world.grant_of(caller.member, grant_id)
    if not grant.evidence_asked:
        raise Refusal(409, "grant.transition")
    if hashlib.sha256(sent).digest() != grant.evidence:
        raise Refusal(422, "grant.evidence", pointer="/body")
    return shown(world, grant)


def listed_notices() -> list[dict[str, object]]:
    """Return the notices of the registry."""
    return [
        {
            "id": notice.id,
            "version": notice.version,
            "lang": notice.lang,
            "kind": notice.kind.value,
            "jurisdiction": notice.jurisdiction,
            "purpose": notice.purpose.value,
            "sha256": b64url(notice.sha256),
            "state": "live",
            "registered_at": 0,
            "retired_at": None,
        }
        for notice in map(parse_notice, _documents())
    ]


def notice_of(purpose: str, lang: str) -> dict[str, object]:
    """Return the members of an artefact that name the live notice of a purpose."""
    return next(
        {name: one[name] for name in ("id", "version", "lang", "sha256")}
        for one in listed_notices()
        if (one["purpose"], one["lang"], one["kind"]) == (purpose, lang, "consent")
    )


def shown(world: World, grant: FakeGrant) -> dict[str, object]:
    """Return a grant as it stands now."""
    held = grant.held
    return {
        "grant_id": grant.grant_id,
        "purpose": str(held.purpose),
        "state": grant.state(world.clock()).value,
        "level": held.level,
        "not_before": held.not_before,
        "expires": held.expires,
        "uses": held.uses,
        "max_uses": held.max_uses,
        "window_start": held.window_start,
        "window_uses": held.window_uses,
        "epoch": EPOCH,
        "chain_id": grant.chain_id,
        "policy": PROFILE,
        "registered_at": grant.registered_at,
        "leaf": b64url(grant.leaf),
        "status_list": {"list": LIST, "idx": list(world.grants).index(grant.grant_id)},
    }


def _read(world: World, caller: Caller, text: str) -> Artefact:
    if len(text) > ARTEFACT_BYTES_MAX:
        raise Refusal(422, "grant.form", pointer="/artefact")
    try:
        claims = open_artefact(text, GRANT_TYPE, world.members.get)
    except ValueError:
        raise Refusal(422, "grant.signature", pointer="/artefact") from None
    try:
        artefact = parse_artefact(claims)
        check_together(artefact, signer=caller.member, exchange=EXCHANGE, now=world.clock())
        check_policy(artefact, law(), _LENDER)
    except ArtefactRefused as error:
        raise _refusal(error) from None
    return artefact


def _enter(
    world: World, caller: Caller, artefact: Artefact, sent: tuple[str, str], event: GrantEvent
) -> FakeGrant:
    text, token = sent
    now, named = world.clock(), artefact.notice
    try:
        check_notice(artefact, _notices().get((named.id, named.version, named.lang)), now)
    except ArtefactRefused as error:
        raise _refusal(error) from None
    old = _superseded(world, artefact, token)
    _claim_evidence(world, artefact, token)
    grant = FakeGrant(
        grant_id=artefact.jti,
        artefact=text,
        token=token,
        held=hold(artefact, next_state(None, event, Actor.GRANTEE)),
        chain_id=old.chain_id if old else artefact.jti,
        registered_at=now,
        evidence=artefact.evidence.sha256,
    )
    grant.leaf = _log(world, caller, grant, event.value)
    world.grants[grant.grant_id] = grant
    if old and event is GrantEvent.REGISTER:
        old.happen(GrantEvent.SUPERSEDE, Actor.GRANTEE, now)
    return grant


def _superseded(world: World, artefact: Artefact, token: str) -> FakeGrant | None:
    if artefact.supersedes is None:
        return None
    old = world.grants.get(artefact.supersedes)
    same = old and (old.token, old.held.grantee, old.held.purpose) == (
        token,
        artefact.grantee,
        artefact.purpose,
    )
    if old is None or not same:
        raise Refusal(422, "grant.cross_field", pointer="/artefact/supersedes")
    if old.state(world.clock()) is not GrantState.ACTIVE:
        raise Refusal(409, "grant.transition", pointer="/artefact/supersedes")
    return old


def _claim_evidence(world: World, artefact: Artefact, token: str) -> None:
    if artefact.evidence.sha256 is None:
        return  # Nothing is kept: the subject signs.
    place = (artefact.grantee, artefact.evidence.sha256)
    stands_for = (artefact.bundle or "", token)
    known = world.evidence.setdefault(place, stands_for)
    if known is not stands_for and (known != stands_for or not artefact.bundle):
        raise Refusal(422, "grant.evidence", pointer="/artefact/evidence/sha256")


def _refusal(error: ArtefactRefused) -> Refusal:
    pointer = f"/artefact/{error.field}" if error.field else "/artefact"
    return Refusal(422, f"grant.{error.step}", pointer=pointer)


@cache
def _notices() -> dict[tuple[str, str, str], RegisteredNotice]:
    return {
        (notice.id, notice.version, notice.lang): RegisteredNotice(
            sha256=notice.sha256,
            kind=notice.kind,
            jurisdiction=notice.jurisdiction,
            purpose=notice.purpose,
            approvers=2,
            retired_at=None,
        )
        for notice in map(parse_notice, _documents())
    }


def _documents() -> tuple[bytes, ...]:
    return (*sandbox_notices(law()), *sandbox_adverse_notices(law()))


def _log(world: World, caller: Caller, grant: FakeGrant, event: str) -> bytes:
    subject = {"kind": "grant", "t": world.clock(), "member": caller.member, "event": event}
    audit = {"grant": grant.grant_id, "policy": PROFILE, "key": caller.keyid}
    return world.log.append(caller.member, subject, audit)
