"""Webhooks: where a member is rung at when there is an event, and what became of each ring."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from flask import Response
from marshmallow import fields

from exchange.api.edge.blueprints import Routes, answer
from exchange.api.edge.fields import EmptySchema, StrictSchema, Text
from exchange.api.edge.guard import current_caller
from exchange.api.edge.paging import Paging
from exchange.api.edge.transport import Body, RoutePolicy
from exchange.domain.ids import parse, show
from exchange.domain.members import Role
from exchange.domain.outward.doorbells import secret_text
from exchange.domain.outward.endpoints import URL_CHARACTERS_MAX
from exchange.services.webhooks.list_deliveries import list_deliveries
from exchange.services.webhooks.manage_webhooks import (
    Registered,
    WebhookPorts,
    enable_webhook,
    list_webhooks,
    register_webhook,
    remove_webhook,
    replay_events,
    rotate_secret,
)
from exchange.services.webhooks.ports import Delivery, Webhook

_EVERYONE: frozenset[Role] = frozenset()
_READS = RoutePolicy(roles=_EVERYONE)
_WRITES = RoutePolicy(roles=_EVERYONE, body=Body.JSON)
_HEX = "[0-9a-f]{32}"


class NewWebhookSchema(StrictSchema):
    """An endpoint, under an id that the member made."""

    webhook_id = Text(pattern=f"whk_{_HEX}")
    url = Text(pattern=rf"[^\n]{{1,{URL_CHARACTERS_MAX}}}")


class NewSecretSchema(StrictSchema):
    """A new secret, under an id that the member made."""

    secret_id = Text(pattern=f"whk_{_HEX}")


class ReplaySchema(StrictSchema):
    """The first and the last event that shall ring again."""

    first = Text(pattern=f"evt_{_HEX}")
    last = Text(pattern=f"evt_{_HEX}")


class WebhookSchema(StrictSchema):
    """An endpoint; its secrets are shown where they are made, to their owner alone."""

    webhook_id = fields.String(required=True)
    url = fields.String(required=True)
    made_at = fields.Integer(required=True, metadata={"description": "unix seconds"})
    disabled_at = fields.Integer(required=True, allow_none=True)
    disabled_cause = fields.String(required=True, allow_none=True)
    secrets = fields.List(fields.String(), metadata={"description": "live ones, newest first"})


class WebhooksSchema(StrictSchema):
    """Every endpoint of the member."""

    webhooks = fields.List(fields.Nested(WebhookSchema), required=True)


class DeliverySchema(StrictSchema):
    """What became of one event at one endpoint."""

    event_id = fields.String(required=True)
    state = fields.String(required=True)
    tries = fields.Integer(required=True)
    next_at = fields.Integer(required=True, allow_none=True)
    last_at = fields.Integer(required=True, allow_none=True)
    last_status = fields.Integer(required=True, allow_none=True)
    last_fault = fields.String(required=True, allow_none=True)


class DeliveriesSchema(StrictSchema):
    """A page of deliveries, in the order of their events."""

    deliveries = fields.List(fields.Nested(DeliverySchema), required=True)
    has_more = fields.Boolean(required=True)
    next = fields.String(required=True, allow_none=True)


class RemovedSchema(StrictSchema):
    """An endpoint that is gone."""

    webhook_id = fields.String(required=True)
    removed = fields.Boolean(required=True)


class ReplayedSchema(StrictSchema):
    """How many events will ring again."""

    events = fields.Integer(required=True)


def webhook_routes(desk: WebhookPorts, paging: Paging) -> Routes:
    """Build the routes of endpoints."""
    routes = Routes("webhooks", description="Doorbells: signed, without borrowers, to be replayed.")
    ports = desk.ports

    @routes.signed("POST", "/v1/webhooks", policy=_WRITES)
    @routes.answers(200, WebhookSchema)
    @routes.body(NewWebhookSchema)
    def register(body: dict[str, object]) -> Response:
        """Register an endpoint; it rings for what happens from now on."""
        webhook_id, url = _id(cast("str", body["webhook_id"])), cast("str", body["url"])
        return _registered(register_webhook(_member(), webhook_id, url, desk))

    @routes.signed("GET", "/v1/webhooks", policy=_READS)
    @routes.answers(200, WebhooksSchema)
    def listed() -> Response:
        """List the caller's endpoints."""
        return answer({"webhooks": [_shown(one) for one in list_webhooks(_member(), ports)]})

    @routes.signed("DELETE", "/v1/webhooks/<webhook_id>", policy=_READS)
    @routes.answers(200, RemovedSchema)
    def remove(webhook_id: str) -> Response:
        """Forget an endpoint, its secrets and its deliveries."""
        remove_webhook(_member(), _id(webhook_id), ports)
        return answer({"webhook_id": webhook_id, "removed": True})

    @routes.signed("GET", "/v1/webhooks/<webhook_id>/deliveries", policy=_READS)
    @routes.takes(limit="1 to 500 [100]", cursor="`next` of the page before")
    @routes.answers(200, DeliveriesSchema)
    def deliveries(webhook_id: str) -> Response:
        """List what became of each event at an endpoint."""
        pager = paging.pager(f"webhook_deliveries/{webhook_id}")
        page = list_deliveries(_member(), _id(webhook_id), pager.ask, ports)
        return answer({"deliveries": [_delivery(one) for one in page.rows], **pager.tail(page)})

    _add_changes(routes, desk)
    return routes


def _add_changes(routes: Routes, desk: WebhookPorts) -> None:
    ports = desk.ports

    @routes.signed("POST", "/v1/webhooks/<webhook_id>/secrets", policy=_WRITES)
    @routes.answers(200, WebhookSchema)
    @routes.body(NewSecretSchema)
    def rotate(body: dict[str, object], webhook_id: str) -> Response:
        """Make a new secret; the one before stays live beside it until the next."""
        secret_id = parse("whk", cast("str", body["secret_id"]), field="secret_id")
        return _registered(rotate_secret(_member(), _id(webhook_id), secret_id, ports))

    @routes.signed("POST", "/v1/webhooks/<webhook_id>/enable", policy=_WRITES)
    @routes.answers(200, WebhookSchema)
    @routes.body(EmptySchema)
    def enable(body: dict[str, object], webhook_id: str) -> Response:
        """Ring again at an endpoint that was disabled."""
        return answer(_shown(enable_webhook(_member(), _id(webhook_id), ports)))

    @routes.signed("POST", "/v1/webhooks/<webhook_id>/replay", policy=_WRITES)
    @routes.answers(200, ReplayedSchema)
    @routes.body(ReplaySchema)
    def replay(body: dict[str, object], webhook_id: str) -> Response:
        """Let one event or a range of them ring again."""
        first, last = (
            parse("evt", cast("str", body[name]), field=name) for name in ("first", "last")
        )
        return answer({"events": replay_events(_member(), _id(webhook_id), (first, last), desk)})


def _member() -> str:
    return current_caller().member


def _id(text: str) -> UUID:
    return parse("whk", text, field="webhook_id")


def _shown(webhook: Webhook) -> dict[str, object]:
    return {
        "webhook_id": show("whk", webhook.webhook_id),
        "url": webhook.url,
        "made_at": webhook.made_at,
        "disabled_at": webhook.disabled_at,
        "disabled_cause": webhook.disabled_cause,
    }


def _registered(registered: Registered) -> Response:
    secrets = [secret_text(secret) for secret in registered.secrets]
    response = answer({**_shown(registered.webhook), "secrets": secrets})
    if registered.replayed:
        response.headers["Cx-Replayed"] = "true"
    return response


def _delivery(delivery: Delivery) -> dict[str, object]:
    return {
        "event_id": show("evt", delivery.event_id),
        "state": delivery.state.value,
        "tries": delivery.tries,
        "next_at": delivery.next_at if delivery.state == "WAITING" else None,
        "last_at": delivery.last_at,
        "last_status": delivery.last_status,
        "last_fault": delivery.last_fault,
    }
