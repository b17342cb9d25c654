"""A member's staff list: a look of its own people at one another is flagged."""

from __future__ import annotations

from typing import cast

from flask import Response
from marshmallow import fields, validate

from exchange.api.edge.blueprints import Routes, answer
from exchange.api.edge.fields import ByteText, StrictSchema, Text
from exchange.api.edge.guard import current_caller
from exchange.api.edge.transport import Body, RoutePolicy
from exchange.api.grants.showing import LENDERS
from exchange.domain.base64url import b64url
from exchange.services.members.list_staff import list_staff
from exchange.services.ports import Ports

STAFF_MAX = 500


class StaffSchema(StrictSchema):
    """Everybody of the member's staff, by token; it replaces the list before it."""

    epoch = Text(pattern=r"ep_[1-9][0-9]{0,5}")
    tokens = fields.List(
        ByteText(length=64), required=True, validate=validate.Length(max=STAFF_MAX)
    )


class ListedSchema(StrictSchema):
    """The leaf that the list became."""

    leaf = fields.String(required=True, metadata={"description": "leaf hash, base64url"})


def staff_routes(ports: Ports) -> Routes:
    """Build the route of staff lists."""
    routes = Routes("staff", description="Whom a member's own people should not look at.")

    @routes.signed("PUT", "/v1/staff", policy=RoutePolicy(roles=LENDERS, body=Body.JSON))
    @routes.answers(200, ListedSchema)
    @routes.body(StaffSchema)
    def put(body: dict[str, object]) -> Response:
        """Replace the list: looks at whom it names are flagged to the regulator (`insider/1`)."""
        tokens, epoch = cast("list[bytes]", body["tokens"]), cast("str", body["epoch"])
        return answer({"leaf": b64url(list_staff(tokens, epoch, current_caller().asker, ports))})

    return routes
