"""Change a grant: relay the subject's wish to pause, resume or withdraw it, or give it up."""

from __future__ import annotations

from typing import cast

from flask import Response
from marshmallow import fields

from consent.grants import Channel, GrantEvent, RevokeReason
from exchange.api.edge.blueprints import Routes
from exchange.api.edge.fields import ByteText, EmptySchema, StrictSchema, Text, WholeNumber
from exchange.api.edge.guard import current_caller
from exchange.api.edge.transport import Body, RoutePolicy
from exchange.api.grants.showing import LENDERS, GrantSchema, shown
from exchange.domain.ids import parse
from exchange.services.grants.change_grant import change_grant, relayed, revocation
from exchange.services.grants.note_event import confirm_stop
from exchange.services.grants.rebind_grant import rebind_grant
from exchange.services.ports import Ports

_WRITES = RoutePolicy(roles=LENDERS, body=Body.JSON)


class RelaySchema(StrictSchema):
    """The subject's wish as it was told; no reason is asked."""

    acted_at = WholeNumber(minimum=0, maximum=10**10, required=False)
    channel = fields.Enum(Channel, by_value=True)


class BindingSchema(StrictSchema):
    """The subject's token of a newer epoch."""

    token = ByteText(length=64)
    epoch = Text(pattern=r"ep_[1-9][0-9]{0,5}")


class RevocationSchema(StrictSchema):
    """Why the grantee gives the grant up."""

    reason = fields.Enum(RevokeReason, by_value=True, required=True)


def change_routes(ports: Ports) -> Routes:
    """Build the routes that change a grant of the caller."""
    routes = Routes("grant-changes", description="How grants end, rest and go on.")
    _add_relays(routes, ports)

    @routes.signed("POST", "/v1/grants/<grant_id>/revoke", policy=_WRITES)
    @routes.answers(200, GrantSchema)
    @routes.body(RevocationSchema)
    def revoke(body: dict[str, object], grant_id: str) -> Response:
        """Give a grant up."""
        wanted, caller = parse("gnt", grant_id, field="grant_id"), current_caller().asker
        given_up = revocation(cast("RevokeReason", body["reason"]), caller, ports)
        return shown(change_grant(caller.member, wanted, given_up, ports))

    @routes.signed("POST", "/v1/grants/<grant_id>/confirm-stop", policy=_WRITES)
    @routes.answers(200, GrantSchema)
    @routes.body(EmptySchema)
    def confirm(_: dict[str, object], grant_id: str) -> Response:
        """Confirm that you stopped using what an ended grant allowed."""
        wanted = parse("gnt", grant_id, field="grant_id")
        return shown(confirm_stop(wanted, current_caller().asker, ports))

    @routes.signed("POST", "/v1/grants/<grant_id>/rebind", policy=_WRITES)
    @routes.answers(200, GrantSchema)
    @routes.body(BindingSchema)
    def rebind(body: dict[str, object], grant_id: str) -> Response:
        """Bind a grant to its subject's token of a newer epoch."""
        wanted = parse("gnt", grant_id, field="grant_id")
        token, epoch = cast("bytes", body["token"]), cast("str", body["epoch"])
        return shown(rebind_grant(wanted, token, epoch, current_caller().asker, ports))

    return routes


def _add_relays(routes: Routes, ports: Ports) -> None:
    """Add what the subject wishes, as the grantee passes it on."""

    def relay(event: GrantEvent, body: dict[str, object], grant_id: str) -> Response:
        wanted, caller = parse("gnt", grant_id, field="grant_id"), current_caller().asker
        acted_at = cast("int | None", body.get("acted_at"))
        channel = cast("Channel | None", body.get("channel"))
        told = relayed(event, caller, ports, acted_at=acted_at, channel=channel)
        return shown(change_grant(caller.member, wanted, told, ports))

    @routes.signed("POST", "/v1/grants/<grant_id>/withdraw", policy=_WRITES)
    @routes.answers(200, GrantSchema)
    @routes.body(RelaySchema)
    def withdraw(body: dict[str, object], grant_id: str) -> Response:
        """Relay the subject's withdrawal: the very next query is refused."""
        return relay(GrantEvent.WITHDRAW, body, grant_id)

    @routes.signed("POST", "/v1/grants/<grant_id>/pause", policy=_WRITES)
    @routes.answers(200, GrantSchema)
    @routes.body(RelaySchema)
    def pause(body: dict[str, object], grant_id: str) -> Response:
        """Relay the subject's wish to pause: the very next query is refused."""
        return relay(GrantEvent.PAUSE, body, grant_id)

    @routes.signed("POST", "/v1/grants/<grant_id>/resume", policy=_WRITES)
    @routes.answers(200, GrantSchema)
    @routes.body(RelaySchema)
    def resume(body: dict[str, object], grant_id: str) -> Response:
        """Relay the subject's wish to go on after a pause of theirs."""
        return relay(GrantEvent.RESUME, body, grant_id)
