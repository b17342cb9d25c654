"""Grants: register one, look at it, relay its end; and the purposes they may be given for."""

from __future__ import annotations

from typing import cast

from flask import Response
from marshmallow import fields

from consent.grants import Channel, RevokeReason
from exchange.api.edge.blueprints import Routes, answer
from exchange.api.edge.fields import ByteText, StrictSchema, Text, WholeNumber
from exchange.api.edge.guard import current_caller
from exchange.api.edge.transport import Body, RoutePolicy
from exchange.crypto.signing import JWS_BYTES_MAX
from exchange.domain.base64url import b64url
from exchange.domain.ids import parse, show
from exchange.domain.members import Role
from exchange.domain.strict_json import JsonLimits
from exchange.services.grants.end_grant import end_grant, revocation, withdrawal
from exchange.services.grants.list_purposes import list_purposes
from exchange.services.grants.register_grant import register_grant
from exchange.services.grants.show_grant import Standing, show_grant
from exchange.services.ports import Ports

# Wider than an artefact may be: one that is too long is told so, as an artefact.
_ARTEFACT_LIMITS = JsonLimits(string_bytes=JWS_BYTES_MAX)
_LENDERS = frozenset({Role.ASKER, Role.CONTRIBUTOR})
_EVERYONE: frozenset[Role] = frozenset()


class RegistrationSchema(StrictSchema):
    """An artefact, and the current token of its subject."""

    artefact = Text(pattern=rf"[!-~]{{1,{JWS_BYTES_MAX}}}")
    token = ByteText(length=64)
    epoch = Text(pattern=r"ep_[1-9][0-9]{0,5}")


class WithdrawalSchema(StrictSchema):
    """The subject's wish, relayed; no reason is asked."""

    acted_at = WholeNumber(minimum=0, maximum=10**10, required=False)
    channel = fields.Enum(Channel, by_value=True)


class RevocationSchema(StrictSchema):
    """Why the grantee gives the grant up."""

    reason = fields.Enum(RevokeReason, by_value=True, required=True)


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
    registered_at = fields.Integer(required=True)
    leaf = fields.String(required=True, metadata={"description": "leaf hash of the registration"})


class PurposeSchema(StrictSchema):
    """One purpose, and what the policy allows under it; a limit that it lacks is null."""

    purpose = fields.String(required=True)
    title = fields.String(required=True)
    open = fields.Boolean(required=True)
    needs = fields.String(required=True)
    own_account = fields.String(required=True)
    level = fields.Integer(required=True)
    max_days = fields.Integer(allow_none=True)
    max_uses = fields.Integer(allow_none=True)
    window_max = fields.Integer(allow_none=True)
    window_days = fields.Integer(allow_none=True)
    detail = fields.String(required=True)
    fields_shown = fields.List(fields.String(), required=True)
    lookback_months = fields.Integer(required=True)
    answer_days = fields.Integer(required=True)


class PurposesSchema(StrictSchema):
    """The closed list of purposes under the policy in force."""

    policy = fields.String(required=True)
    purposes = fields.List(fields.Nested(PurposeSchema), required=True)


def grant_routes(ports: Ports) -> Routes:
    """Build the routes of grants."""
    routes = Routes("grants", description="The permissions that queries and records rely on.")
    writes = RoutePolicy(roles=_LENDERS, body=Body.JSON)

    @routes.signed("POST", "/v1/grants", policy=writes)
    @routes.answers(200, GrantSchema)
    @routes.body(RegistrationSchema, limits=_ARTEFACT_LIMITS)
    def register(body: dict[str, object]) -> Response:
        """Register a signed artefact and bind it to its subject's token."""
        artefact, epoch = cast("str", body["artefact"]), cast("str", body["epoch"])
        token = cast("bytes", body["token"])
        return _shown(register_grant(artefact, token, epoch, current_caller().asker, ports))

    @routes.signed("GET", "/v1/grants/<grant_id>", policy=RoutePolicy(roles=_LENDERS))
    @routes.answers(200, GrantSchema)
    def look(grant_id: str) -> Response:
        """Show a grant of the caller as it stands now."""
        wanted = parse("gnt", grant_id, field="grant_id")
        return _shown(show_grant(wanted, current_caller().asker, ports))

    @routes.signed("POST", "/v1/grants/<grant_id>/withdraw", policy=writes)
    @routes.answers(200, GrantSchema)
    @routes.body(WithdrawalSchema)
    def withdraw(body: dict[str, object], grant_id: str) -> Response:
        """Relay the subject's withdrawal: the very next query is refused."""
        wanted = parse("gnt", grant_id, field="grant_id")
        acted_at = cast("int | None", body.get("acted_at"))
        channel = cast("Channel | None", body.get("channel"))
        told = withdrawal(acted_at, channel, ports.now())
        return _shown(end_grant(wanted, told, current_caller().asker, ports))

    @routes.signed("POST", "/v1/grants/<grant_id>/revoke", policy=writes)
    @routes.answers(200, GrantSchema)
    @routes.body(RevocationSchema)
    def revoke(body: dict[str, object], grant_id: str) -> Response:
        """Give a grant up."""
        wanted = parse("gnt", grant_id, field="grant_id")
        given_up = revocation(cast("RevokeReason", body["reason"]), ports.now())
        return _shown(end_grant(wanted, given_up, current_caller().asker, ports))

    @routes.signed("GET", "/v1/purposes", policy=RoutePolicy(roles=_EVERYONE))
    @routes.answers(200, PurposesSchema)
    def purposes() -> Response:
        """List the purposes, and what the policy in force allows under each."""
        return answer(list_purposes(ports.terms.profile))

    return routes


def _shown(standing: Standing) -> Response:
    grant, held = standing.grant, standing.grant.held
    response = answer(
        {
            "grant_id": show("gnt", grant.grant_id),
            "purpose": str(held.purpose),
            "state": standing.state.value,
            "level": held.level,
            "not_before": held.not_before,
            "expires": held.expires,
            "uses": held.uses,
            "max_uses": held.max_uses,
            "epoch": grant.epoch,
            "policy": grant.policy,
            "registered_at": grant.registered_at,
            "leaf": b64url(grant.leaf_hash),
        }
    )
    if standing.replayed:
        response.headers["Cx-Replayed"] = "true"
    return response
