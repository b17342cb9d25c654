"""Events: what a member was told, and among it what became of its grants."""

from __future__ import annotations

import json
from collections.abc import Mapping
from uuid import UUID

from flask import Response
from marshmallow import fields

from exchange.api.edge.blueprints import Routes, answer
from exchange.api.edge.fields import StrictSchema
from exchange.api.edge.guard import current_caller
from exchange.api.edge.paging import LIMIT, Paging, arguments
from exchange.api.edge.transport import RoutePolicy
from exchange.domain.ids import parse, show
from exchange.domain.members import Role
from exchange.domain.outward.events import EventKind, FeedEvent
from exchange.errors import InvalidCursor, InvalidField
from exchange.services.events.read_feed import Feed, FeedAsk, read_feed
from exchange.services.ports import Ports

AFTER = "after"
_EVERYONE: frozenset[Role] = frozenset()
_AFTER_DOES = "id of the last event that you hold; absent: from the first"
_LIMIT_DOES = "at most so many rows, 1 to 500 [100]"


class ToldEventSchema(StrictSchema):
    """One event."""

    event_id = fields.String(required=True)
    kind = fields.String(required=True, metadata={"enum": [kind.value for kind in EventKind]})
    made_at = fields.Integer(required=True, metadata={"description": "unix seconds"})
    facts = fields.Dict(required=True, metadata={"description": "ids, states and coded reasons"})
    bands = fields.Dict(metadata={"description": "where the kind has them and nobody erased them"})


class ToldEventsSchema(StrictSchema):
    """A page of events, in the order in which the member was told."""

    events = fields.List(fields.Nested(ToldEventSchema), required=True)
    has_more = fields.Boolean(required=True)
    last = fields.String(
        required=True, allow_none=True, metadata={"description": "give it as `after` next time"}
    )


class GrantChangeSchema(StrictSchema):
    """What became of one grant."""

    event_id = fields.String(required=True)
    change = fields.String(required=True, metadata={"description": "`withdrawn`, `paused` …"})
    made_at = fields.Integer(required=True, metadata={"description": "unix seconds"})
    grant_id = fields.String(required=True)
    state = fields.String(required=True)
    actor = fields.String()
    reason = fields.String()
    acted_at = fields.Integer(metadata={"description": "when its actor said so"})
    effective_at = fields.Integer(metadata={"description": "from when on uses were judged by it"})
    expires = fields.Integer(metadata={"description": "of a grant that is about to end"})
    days = fields.Integer(metadata={"description": "notice given before its end"})
    leaf = fields.String(metadata={"description": "leaf hash of the event"})


class GrantChangesSchema(StrictSchema):
    """A page of changes, in their order."""

    changes = fields.List(fields.Nested(GrantChangeSchema), required=True)
    has_more = fields.Boolean(required=True)
    last = fields.String(required=True, allow_none=True)


def event_routes(ports: Ports, paging: Paging) -> Routes:
    """Build the feeds."""
    routes = Routes("events", description="What a member was told, in its own order, whole.")

    @routes.signed("GET", "/v1/events", policy=RoutePolicy(roles=_EVERYONE))
    @routes.takes(after=_AFTER_DOES, limit=_LIMIT_DOES)
    @routes.answers(200, ToldEventsSchema)
    def events() -> Response:
        """List what the caller was told since the event it names."""
        feed = read_feed(_ask(paging, grants_only=False), ports)
        shown = [_event(event, bands) for event, bands in feed.events]
        return answer({"events": shown, **_tail(feed)})

    @routes.signed("GET", "/v1/grants/changes", policy=RoutePolicy(roles=_EVERYONE))
    @routes.takes(after=_AFTER_DOES, limit=_LIMIT_DOES)
    @routes.answers(200, GrantChangesSchema)
    def changes() -> Response:
        """List what became of the caller's grants since the event it names: this is the truth."""
        feed = read_feed(_ask(paging, grants_only=True), ports)
        return answer({"changes": [_change(event) for event, _ in feed.events], **_tail(feed)})

    return routes


def _ask(paging: Paging, *, grants_only: bool) -> FeedAsk:
    given = arguments(AFTER, LIMIT)
    return FeedAsk(
        member=current_caller().member,
        after=_event_id(given.get(AFTER)),
        rows=paging.rows(given.get(LIMIT)),
        grants_only=grants_only,
    )


def _event_id(text: str | None) -> UUID | None:
    """Read a place in the feed; what is no id of an event was never told to anybody."""
    try:
        return None if text is None else parse("evt", text, field=AFTER)
    except InvalidField as error:
        raise InvalidCursor(field=AFTER) from error


def _event(event: FeedEvent, bands: Mapping[str, object] | None) -> dict[str, object]:
    return {
        "event_id": show("evt", event.event_id),
        "kind": event.kind.value,
        "made_at": event.made_at,
        "facts": json.loads(event.facts),
        **({} if bands is None else {"bands": bands}),
    }


def _change(event: FeedEvent) -> dict[str, object]:
    return {
        "event_id": show("evt", event.event_id),
        "change": event.kind.type.rpartition(".")[2],
        "made_at": event.made_at,
        **json.loads(event.facts),
    }


def _tail(feed: Feed) -> dict[str, object]:
    return {"has_more": feed.more, "last": None if feed.last is None else show("evt", feed.last)}
