"""A lender with webhooks: register one, let the deliverer take turns, read what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from exchange.app.outward import deliver_ports
from exchange.domain.ids import show, uuid7
from exchange.services.webhooks.deliver_events import DeliverPorts, DeliveryTurn, deliver_events
from tests.support.grant_desk import GrantDesk, shown


def new_id(desk: GrantDesk) -> str:
    """Make an id for an endpoint or a secret."""
    ports = desk.sandbox.ports
    return show("whk", uuid7(ports.now_ms(), ports.random_bytes))


def register(desk: GrantDesk, url: str, webhook_id: str = "") -> dict[str, object]:
    """Register an endpoint that must be taken."""
    body = {"webhook_id": webhook_id or new_id(desk), "url": url}
    return shown(desk.send("POST", "/v1/webhooks", body))


def turn(desk: GrantDesk, now: int | None = None) -> DeliveryTurn:
    """Let the deliverer take one turn, at another time if one is given."""
    with delivering(desk, now) as ports:
        return deliver_events(ports)


@contextmanager
def delivering(desk: GrantDesk, now: int | None = None) -> Iterator[DeliverPorts]:
    """Yield a deliverer whose clock stands where it is put."""
    ports = desk.sandbox.ports
    if now is not None:
        ports = replace(ports, now=lambda: now)
    with deliver_ports(desk.sandbox.settings, ports) as made:
        yield made


def deliveries(desk: GrantDesk, webhook_id: object, query: str = "") -> list[dict[str, object]]:
    """List what became of each event at an endpoint."""
    found = shown(desk.send("GET", f"/v1/webhooks/{webhook_id}/deliveries{query}"))["deliveries"]
    assert isinstance(found, list)
    return found


def end_one(desk: GrantDesk, subject: int = 1) -> str:
    """Let one grant be withdrawn; return it."""
    grant = desk.granted(subject)
    desk.end(grant, "withdraw")
    return grant
