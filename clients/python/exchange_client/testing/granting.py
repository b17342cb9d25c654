"""The fake registers grants: the signature, and the claims that it will judge by, once."""

from __future__ import annotations

from collections.abc import Mapping

from exchange_client.core.encoding import JSON, b64url
from exchange_client.grants import GRANT_TYPE, HABITS
from exchange_client.testing.deciding import HeldGrant
from exchange_client.testing.findings import number
from exchange_client.testing.messages import Caller, open_artefact
from exchange_client.testing.refusals import Refusal
from exchange_client.testing.world import DAY_SECONDS, EPOCH, EXCHANGE, PROFILE, World


def register(world: World, caller: Caller, body: Mapping[str, JSON]) -> dict[str, object]:
    """Register an artefact under its own id, bound to its subject's token.

    Raises:
        Refusal: 422, the artefact is refused; 409, its id was used before, or the epoch is closed.
    """
    if body.keys() != {"artefact", "token", "epoch"}:
        raise Refusal(422, "request.field")
    if body["epoch"] != EPOCH:
        raise Refusal(409, "token.epoch", pointer="/epoch")
    artefact, token = str(body["artefact"]), str(body["token"])
    claims = _claims(world, caller, artefact)
    known = world.grants.get(str(claims["jti"]))
    if known is None:
        known = _held(claims, caller.member, artefact, token)
        known.registered_at, known.leaf = world.clock(), _log(world, caller, known)
        world.grants[known.grant_id] = known
    if (known.artefact, known.token) != (artefact, token):
        raise Refusal(409, "grant.conflict", pointer="/artefact")
    return shown(world, known)


def end(world: World, caller: Caller, grant_id: str, state: str) -> dict[str, object]:
    """End a grant; the very next question under it is refused.

    Raises:
        Refusal: 404, it is not the caller's; 409, it has ended otherwise.
    """
    grant = world.grant_of(caller.member, grant_id)
    if standing(world, grant) not in ("ACTIVE", "PAUSED", state):
        raise Refusal(409, "grant.transition")
    grant.state = state
    return shown(world, grant)


def standing(world: World, grant: HeldGrant) -> str:
    """Return a grant's state now; expiry and use are derived, never stored."""
    if grant.state == "ACTIVE" and world.clock() >= grant.expires:
        return "EXPIRED"
    if grant.state == "ACTIVE" and grant.max_uses is not None and grant.uses >= grant.max_uses:
        return "CONSUMED"
    return grant.state


def shown(world: World, grant: HeldGrant) -> dict[str, object]:
    """Return a grant as it stands now."""
    return {
        "grant_id": grant.grant_id,
        "purpose": grant.purpose,
        "state": standing(world, grant),
        "level": 1,
        "not_before": grant.not_before,
        "expires": grant.expires,
        "uses": grant.uses,
        "max_uses": grant.max_uses,
        "epoch": EPOCH,
        "policy": PROFILE,
        "registered_at": grant.registered_at,
        "leaf": b64url(grant.leaf),
    }


def _claims(world: World, caller: Caller, artefact: str) -> dict[str, JSON]:
    try:
        claims = open_artefact(artefact, GRANT_TYPE, world.members.get)
    except ValueError:
        raise Refusal(422, "grant.signature", pointer="/artefact") from None
    if (claims.get("iss"), claims.get("grantee")) != (caller.member, caller.member):
        raise Refusal(422, "grant.cross_field", pointer="/artefact")
    if claims.get("aud") != EXCHANGE or claims.get("purpose") not in HABITS:
        raise Refusal(422, "grant.cross_field", pointer="/artefact")
    return claims


def _log(world: World, caller: Caller, grant: HeldGrant) -> bytes:
    subject = {"kind": "grant", "t": world.clock(), "member": caller.member, "event": "register"}
    audit = {"grant": grant.grant_id, "policy": PROFILE, "key": caller.keyid}
    return world.log.append(caller.member, subject, audit)


def _held(claims: Mapping[str, JSON], member: str, artefact: str, token: str) -> HeldGrant:
    use, data = _object(claims, "use"), _object(claims, "data")
    frequency, fields, max_uses = use.get("frequency"), data.get("fields"), use.get("max_uses")
    window = frequency if isinstance(frequency, dict) else {}
    return HeldGrant(
        grant_id=str(claims["jti"]),
        artefact=artefact,
        grantee=member,
        purpose=str(claims["purpose"]),
        token=token,
        not_before=number(claims, "nbf"),
        expires=number(claims, "exp"),
        max_uses=max_uses if isinstance(max_uses, int) else None,
        window_max=number(window, "max") if window else None,
        window_seconds=number(window, "days") * DAY_SECONDS,
        detail=str(data.get("detail")),
        fields=frozenset(map(str, fields)) if isinstance(fields, list) else frozenset(),
    )


def _object(claims: Mapping[str, JSON], name: str) -> Mapping[str, JSON]:
    value = claims.get(name)
    if not isinstance(value, dict):
        raise Refusal(422, "grant.schema", pointer="/artefact")
    return value
