"""Follow what the exchange tells its member: events, changes of grants, webhooks, status lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from exchange_client.core.calls import Call, Flow, get, post_json
from exchange_client.core.encoding import JSON
from exchange_client.core.ids import check_id
from exchange_client.core.setup import Desk
from exchange_client.errors import UnverifiedResponse, UsageError
from exchange_client.statuses import StatusList, verify_list

PAGE_ROWS: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that the member was told. Keep the id of the last one: it is your bookmark."""

    event_id: str
    kind: str  # `GRANT_WITHDRAWN`, `RECORD_CORRECTED` …
    made_at: int  # unix seconds
    facts: Mapping[str, JSON]
    bands: Mapping[str, JSON] | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPage:
    """A page of events, in the member's own order."""

    events: tuple[Event, ...]
    more: bool


def events(after: str | None) -> Flow[EventPage]:
    """Fetch the events that follow the one that is held."""
    where = "" if after is None else f"&after={check_id('evt', after)}"
    reply = yield get(f"/v1/events?limit={PAGE_ROWS}{where}")
    body = reply.json()
    listed = body.get("events")
    if not isinstance(listed, list):
        raise UnverifiedResponse("a feed is a list of events")
    page = EventPage(events=tuple(map(_event, listed)), more=body.get("has_more") is True)
    if page.more and (not page.events or page.events[-1].event_id == after):
        raise UnverifiedResponse("a feed that goes on must go on behind the last event")
    return page


def add_webhook(webhook_id: str, url: str) -> Flow[Mapping[str, JSON]]:
    """Register an endpoint; the answer holds its secret."""
    body: dict[str, object] = {"webhook_id": check_id("whk", webhook_id), "url": url}
    reply = yield post_json("/v1/webhooks", body)
    return reply.json()


def list_webhooks() -> Flow[list[Mapping[str, JSON]]]:
    """List the member's endpoints."""
    reply = yield get("/v1/webhooks")
    listed = reply.json().get("webhooks")
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []


def remove_webhook(webhook_id: str) -> Flow[Mapping[str, JSON]]:
    """Forget an endpoint."""
    path = f"/v1/webhooks/{check_id('whk', webhook_id)}"
    reply = yield Call(method="DELETE", path=path)
    return reply.json()


def rotate_webhook(webhook_id: str, secret_id: str) -> Flow[Mapping[str, JSON]]:
    """Make a new secret; the one before stays live beside it."""
    path = f"/v1/webhooks/{check_id('whk', webhook_id)}/secrets"
    reply = yield post_json(path, {"secret_id": check_id("whk", secret_id)})
    return reply.json()


def replay_webhook(webhook_id: str, first: str, last: str) -> Flow[Mapping[str, JSON]]:
    """Let the events from the first to the last ring again."""
    path = f"/v1/webhooks/{check_id('whk', webhook_id)}/replay"
    body: dict[str, object] = {"first": check_id("evt", first), "last": check_id("evt", last)}
    reply = yield post_json(path, body)
    return reply.json()


def status_list(desk: Desk, number: int) -> Flow[StatusList]:
    """Fetch and verify a status list.

    Raises:
        ReceiptInvalid: it is not what the exchange signs.
    """
    if number < 1:
        raise UsageError("status lists are counted from 1")
    path = f"/v1/status-lists/{number}"
    reply = yield get(path)
    try:
        token = reply.body.decode("ascii")
    except UnicodeDecodeError as error:
        raise UnverifiedResponse("a status list is ASCII") from error
    return verify_list(token, desk.pins, now=desk.now(), uri=desk.pins.public_base + path)


def _event(listed: JSON) -> Event:
    one = listed if isinstance(listed, dict) else {}
    event_id, kind, made_at = one.get("event_id"), one.get("kind"), one.get("made_at")
    facts, bands = one.get("facts"), one.get("bands")
    if not (isinstance(event_id, str) and isinstance(kind, str) and type(made_at) is int):
        raise UnverifiedResponse("an event has an id, a kind and a time")
    return Event(
        event_id=event_id,
        kind=kind,
        made_at=made_at,
        facts=facts if isinstance(facts, dict) else {},
        bands=bands if isinstance(bands, dict) else None,
    )
