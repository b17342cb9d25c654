"""Grants: register one, look at it and its history; and the purposes they may be given for."""

from __future__ import annotations

from typing import cast

from flask import Response
from marshmallow import fields

from exchange.api.edge.blueprints import Routes, answer
from exchange.api.edge.fields import ByteText, StrictSchema, Text
from exchange.api.edge.guard import current_caller
from exchange.api.edge.transport import Body, RoutePolicy
from exchange.api.grants.exporting import RECORD_TYPE, receipt_route, shown_as_asked
from exchange.api.grants.showing import (
    EVERYONE,
    LENDERS,
    EventsSchema,
    GrantSchema,
    shown,
    shown_event,
)
from exchange.api.queries import ARTEFACT_LIMITS
from exchange.crypto.signing import JWS_BYTES_MAX
from exchange.domain.ids import parse
from exchange.services.grants.list_purposes import list_purposes
from exchange.services.grants.register_grant import register_grant
from exchange.services.grants.show_grant import show_events
from exchange.services.ports import Ports


class RegistrationSchema(StrictSchema):
    """An artefact, and the current token of its subject."""

    artefact = Text(pattern=rf"[!-~]{{1,{JWS_BYTES_MAX}}}")
    token = ByteText(length=64)
    epoch = Text(pattern=r"ep_[1-9][0-9]{0,5}")


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
    writes = RoutePolicy(roles=LENDERS, body=Body.JSON)

    @routes.signed("POST", "/v1/grants", policy=writes)
    @routes.answers(200, GrantSchema)
    @routes.body(RegistrationSchema, limits=ARTEFACT_LIMITS)
    def register(body: dict[str, object]) -> Response:
        """Register a signed artefact and bind it to its subject's token."""
        artefact, epoch = cast("str", body["artefact"]), cast("str", body["epoch"])
        token = cast("bytes", body["token"])
        return shown(register_grant(artefact, token, epoch, current_caller().asker, ports))

    @routes.signed("GET", "/v1/grants/<grant_id>", policy=RoutePolicy(roles=LENDERS))
    @routes.answers(200, GrantSchema)
    @routes.answers(200, media=RECORD_TYPE)
    def look(grant_id: str) -> Response:
        """Show a grant of the caller as it stands now; `?format=iso27560` or `rebit` translates."""
        wanted = parse("gnt", grant_id, field="grant_id")
        return shown_as_asked(wanted, ports)

    @routes.signed("GET", "/v1/grants/<grant_id>/events", policy=RoutePolicy(roles=LENDERS))
    @routes.answers(200, EventsSchema)
    def history(grant_id: str) -> Response:
        """List what happened to a grant of the caller, oldest first."""
        wanted = parse("gnt", grant_id, field="grant_id")
        events = show_events(wanted, current_caller().asker, ports)
        return answer({"events": [shown_event(event) for event in events]})

    receipt_route(routes, ports)

    @routes.signed("GET", "/v1/purposes", policy=RoutePolicy(roles=EVERYONE))
    @routes.answers(200, PurposesSchema)
    def purposes() -> Response:
        """List the purposes, and what the policy in force allows under each."""
        return answer(list_purposes(ports.terms.profile))

    return routes
