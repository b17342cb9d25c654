"""Grant requests: a member asks for a grant that its borrower signs as well."""

from __future__ import annotations

from typing import cast

from flask import Response
from marshmallow import fields

from exchange.api.edge.blueprints import Routes, answer
from exchange.api.edge.fields import StrictSchema
from exchange.api.edge.guard import current_caller
from exchange.api.edge.transport import Body, RoutePolicy
from exchange.api.grants.registering import RegistrationSchema
from exchange.api.grants.showing import LENDERS
from exchange.api.queries import ARTEFACT_LIMITS
from exchange.domain.ids import show
from exchange.services.borrower.ports import BorrowerPorts
from exchange.services.borrower.request_cosignature import Requested, request_cosignature
from exchange.services.grants.enter_grant import Entry


class GrantRequestSchema(StrictSchema):
    """A requested grant, and the link that goes to the borrower: it is shown here alone."""

    grant_id = fields.String(required=True)
    state = fields.String(required=True)
    link = fields.URL(required=True, metadata={"description": "opens once; pass it on unread"})
    link_expires = fields.Integer(required=True)


def grant_request_routes(borrower: BorrowerPorts) -> Routes:
    """Build the route of grant requests."""
    routes = Routes("grant_requests", description="Grants that borrowers sign themselves.")

    @routes.signed("POST", "/v1/grant-requests", policy=RoutePolicy(roles=LENDERS, body=Body.JSON))
    @routes.answers(200, GrantRequestSchema)
    @routes.body(RegistrationSchema, limits=ARTEFACT_LIMITS)
    def request_grant(body: dict[str, object]) -> Response:
        """Request a grant of evidence level 2; asking again gives a new link and voids the last."""
        epoch = cast("str", body["epoch"])
        entry = Entry(
            artefact=cast("str", body["artefact"]),
            epoch=epoch,
            token_index=borrower.ports.keyring.index(epoch, cast("bytes", body["token"])),
        )
        return _shown(request_cosignature(entry, current_caller().asker, borrower))

    return routes


def _shown(requested: Requested) -> Response:
    standing = requested.standing
    response = answer(
        {
            "grant_id": show("gnt", standing.grant.grant_id),
            "state": standing.state.value,
            "link": requested.link,
            "link_expires": requested.expires_at,
        }
    )
    if standing.replayed:
        response.headers["Cx-Replayed"] = "true"
    return response
