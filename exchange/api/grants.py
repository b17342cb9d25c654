"""Grants: register one, look at it, relay its end."""

from __future__ import annotations

from typing import cast

from flask import Response
from marshmallow import fields, validate

from consent.grants import Actor, GrantEvent, GrantState, RevokeReason
from exchange.api.blueprints import Routes, answer
from exchange.api.edge import current_caller
from exchange.api.fields import ByteText, StrictSchema, Text, WholeNumber
from exchange.api.transport import Body, RoutePolicy
from exchange.domain.ids import parse, show
from exchange.domain.members import Role
from exchange.domain.strict_json import JsonLimits
from exchange.services.end_grant import Ending, end_grant, show_grant
from exchange.services.grant_ports import StoredGrant
from exchange.services.ports import Ports
from exchange.services.register_grant import ARTEFACT_BYTES_MAX, register_grant

_ARTEFACT_LIMITS = JsonLimits(string_bytes=ARTEFACT_BYTES_MAX)
_LENDERS = frozenset({Role.ASKER, Role.CONTRIBUTOR})


class RegistrationSchema(StrictSchema):
    """An artefact, and the current token of its subject."""

    artefact = Text(pattern=r"[A-Za-z0-9_.-]{1,4096}")
    token = ByteText(length=64)
    epoch = Text(pattern=r"ep_[1-9][0-9]{0,5}")


class WithdrawalSchema(StrictSchema):
    """The subject's wish, relayed; no reason is asked."""

    acted_at = WholeNumber(minimum=0, maximum=10**10, required=False)


class RevocationSchema(StrictSchema):
    """Why the grantee gives the grant up."""

    reason = fields.String(
        required=True, validate=validate.OneOf([reason.value for reason in RevokeReason])
    )


class GrantSchema(StrictSchema):
    """A grant and where it stands."""

    grant_id = fields.String(required=True)
    purpose = fields.String(required=True)
    state = fields.String(required=True)
    level = fields.Integer(required=True)
    not_before = fields.Integer(required=True)
    expires = fields.Integer(required=True)
    uses = fields.Integer(required=True)
    max_uses = fields.Integer(allow_none=True)
    epoch = fields.String(required=True)
    policy = fields.String(required=True)


def grant_routes(ports: Ports) -> Routes:
    """Build the routes of grants."""
    routes = Routes("grants", description="The permissions that queries and records rely on.")

    @routes.signed("POST", "/v1/grants", policy=RoutePolicy(roles=_LENDERS, body=Body.JSON))
    @routes.answers(200, GrantSchema)
    @routes.body(RegistrationSchema, limits=_ARTEFACT_LIMITS)
    def register(body: dict[str, object]) -> Response:
        """Register a signed artefact and bind it to its subject's token."""
        registered = register_grant(
            cast("str", body["artefact"]),
            cast("bytes", body["token"]),
            cast("str", body["epoch"]),
            current_caller().asker,
            ports,
        )
        response = answer(_shown(registered.grant, registered.grant.held.state))
        if registered.replayed:
            response.headers["Cx-Replayed"] = "true"
        return response

    @routes.signed("GET", "/v1/grants/<grant_id>", policy=RoutePolicy(roles=_LENDERS))
    @routes.answers(200, GrantSchema)
    def look(grant_id: str) -> Response:
        """Show a grant of the caller as it stands now."""
        wanted = parse("gnt", grant_id, field="grant_id")
        return answer(_shown(*show_grant(wanted, current_caller().asker, ports)))

    @routes.signed(
        "POST",
        "/v1/grants/<grant_id>/withdraw",
        policy=RoutePolicy(roles=_LENDERS, body=Body.JSON),
    )
    @routes.answers(200, GrantSchema)
    @routes.body(WithdrawalSchema)
    def withdraw(body: dict[str, object], grant_id: str) -> Response:
        """Relay the subject's withdrawal: the very next query is refused."""
        acted_at = cast("int", body.get("acted_at", ports.now()))
        ending = Ending(
            event=GrantEvent.WITHDRAW, actor=Actor.SUBJECT, reason="", acted_at=acted_at
        )
        return _ended(grant_id, ending)

    @routes.signed(
        "POST",
        "/v1/grants/<grant_id>/revoke",
        policy=RoutePolicy(roles=_LENDERS, body=Body.JSON),
    )
    @routes.answers(200, GrantSchema)
    @routes.body(RevocationSchema)
    def revoke(body: dict[str, object], grant_id: str) -> Response:
        """Give a grant up."""
        ending = Ending(
            event=GrantEvent.REVOKE,
            actor=Actor.GRANTEE,
            reason=cast("str", body["reason"]),
            acted_at=ports.now(),
        )
        return _ended(grant_id, ending)

    def _ended(grant_id: str, ending: Ending) -> Response:
        wanted = parse("gnt", grant_id, field="grant_id")
        stored = end_grant(wanted, ending, current_caller().asker, ports)
        return answer(_shown(stored, stored.held.state))

    return routes


def _shown(stored: StoredGrant, state: GrantState) -> dict[str, object]:
    held = stored.held
    return {
        "grant_id": show("gnt", stored.grant_id),
        "purpose": str(held.purpose),
        "state": state.value,
        "level": held.level,
        "not_before": held.not_before,
        "expires": held.expires,
        "uses": held.uses,
        "max_uses": held.max_uses,
        "epoch": stored.epoch,
        "policy": stored.policy,
    }
