"""A regulator's orders about a member's grant: pause it, let it go on, end it, find it invalid."""

from __future__ import annotations

from typing import cast

from flask import Response
from marshmallow import fields

from consent.grants import GrantEvent, InvalidateCause
from exchange.api.edge.blueprints import Routes
from exchange.api.edge.fields import StrictSchema, Text
from exchange.api.edge.guard import current_caller
from exchange.api.edge.transport import Body, RoutePolicy
from exchange.api.grants.showing import OrderedGrantSchema, shown_with_answers
from exchange.domain.ids import member_id, parse
from exchange.domain.members import Role
from exchange.services.grants.change_grant import change_grant, ordered
from exchange.services.ports import Ports

_CASE = r"[A-Za-z0-9_.:-]{1,64}"


class OrderSchema(StrictSchema):
    """The case that the order belongs to."""

    case = Text(pattern=_CASE)


class FindingSchema(StrictSchema):
    """Why the grant was never valid, and the case in which that was found."""

    case = Text(pattern=_CASE)
    cause = fields.Enum(InvalidateCause, by_value=True, required=True)


def order_routes(ports: Ports) -> Routes:
    """Build the regulator's routes about grants."""
    routes = Routes("grant-orders", description="What a regulator orders about a grant.")
    orders = RoutePolicy(roles=frozenset({Role.REGULATOR}), body=Body.JSON)

    def order(event: GrantEvent, reason: str, member: str, grant_id: str) -> Response:
        wanted = parse("gnt", grant_id, field="grant_id")
        change = ordered(event, current_caller().asker, reason, ports)
        return shown_with_answers(change_grant(member_id(member), wanted, change, ports))

    def order_routes_of(event: GrantEvent, page: str) -> None:
        def view(body: dict[str, object], member: str, grant_id: str) -> Response:
            return order(event, f"order.{body['case']}", member, grant_id)

        view.__name__, view.__doc__ = f"order_{event.value}", page
        rule = f"/audit/v1/grants/<member>/<grant_id>/{event.value}"
        described = routes.answers(200, OrderedGrantSchema)(routes.body(OrderSchema)(view))
        routes.signed("POST", rule, policy=orders)(described)

    order_routes_of(GrantEvent.PAUSE, "Pause a grant: the very next query is refused.")
    order_routes_of(GrantEvent.RESUME, "Let a grant go on that a regulator paused.")
    order_routes_of(GrantEvent.REVOKE, "End a grant.")

    @routes.signed("POST", "/audit/v1/grants/<member>/<grant_id>/invalidate", policy=orders)
    @routes.answers(200, OrderedGrantSchema)
    @routes.body(FindingSchema)
    def order_invalidate(body: dict[str, object], member: str, grant_id: str) -> Response:
        """Find a grant never valid; the answers that it carried are listed."""
        cause = cast("InvalidateCause", body["cause"])
        return order(GrantEvent.INVALIDATE, f"{cause}.{body['case']}", member, grant_id)

    return routes
