"""The fake asks borrowers to sign: a grant that is requested, its link, and their answer."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from exchange_client._consent.grants import Actor, GrantEvent, GrantState, answer_by
from exchange_client.core.encoding import JSON, b64url, loads_object, unb64url
from exchange_client.testing.deciding import FakeGrant, TransitionRefused
from exchange_client.testing.granting import register, tell_change
from exchange_client.testing.messages import Caller
from exchange_client.testing.refusals import Refusal
from exchange_client.testing.world import PUBLIC_BASE, World

LINK: Final = f"{PUBLIC_BASE}/borrower/request#"
SECRET_BYTES: Final = 16


def request(world: World, caller: Caller, body: Mapping[str, JSON]) -> dict[str, object]:
    """Request a grant that its subject signs as well; again gives a new link.

    Raises:
        Refusal: as `register`; 409, the subject has answered already.
    """
    known = set(world.grants)
    told = register(world, caller, body, GrantEvent.REQUEST)
    grant = world.grants[str(told["grant_id"])]
    if grant.grant_id not in known:
        expires = answer_by(grant.held.expires, world.clock())
        grant.held = replace(grant.held, expires=expires)
    if grant.state(world.clock()) is not GrantState.REQUESTED:
        raise Refusal(409, "grant.transition")
    return {
        "grant_id": grant.grant_id,
        "state": GrantState.REQUESTED.value,
        "link": LINK + b64url(os.urandom(SECRET_BYTES)),
        "link_expires": grant.held.expires,
    }


def answer(world: World, grant_id: str, *, agreed: bool) -> None:
    """Let a grant's subject answer, as on the exchange's page.

    Raises:
        ValueError: nothing is requested of them.
    """
    grant, now = world.grants[grant_id], world.clock()
    event = GrantEvent.ACCEPT if agreed else GrantEvent.REFUSE
    try:
        grant.happen(event, Actor.SUBJECT, now)
    except TransitionRefused as error:
        raise ValueError("nothing is requested of this subject") from error
    if agreed:
        _take_force(world, grant)
    tell_change(world, grant, event, grant.leaf)


def _take_force(world: World, grant: FakeGrant) -> None:
    """Let it last as long as it says, in the place of the one that it supersedes."""
    claims = loads_object(unb64url(grant.artefact.split(".")[1]))
    if isinstance(claims["exp"], int):
        grant.held = replace(grant.held, expires=claims["exp"])
    if older := world.grants.get(str(claims.get("supersedes"))):
        older.happen(GrantEvent.SUPERSEDE, Actor.GRANTEE, world.clock())
