"""The deliverer's process: ring at members' endpoints until it is told to stop.

It polls its own table and needs no queue: what is due is a row, and a row is taken by one deliverer
at a time. Two of them share the work; one that is killed is succeeded when its leases run out.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import closing
from threading import Event

from exchange.app import make_ports, open_database
from exchange.app.outward import deliver_ports
from exchange.errors import UnavailableError
from exchange.jobs.sequence import stop_on_signals
from exchange.services.webhooks.deliver_events import DeliverPorts, DeliveryTurn, deliver_events
from exchange.settings import Settings


def run_deliverer(settings: Settings) -> int:
    """Deliver until SIGTERM or SIGINT; return the exit code."""
    stop = Event()
    stop_on_signals(stop)
    with closing(open_database(settings)) as database:
        ports = make_ports(settings, database)
        with deliver_ports(settings, ports) as desk:
            deliver(desk, interval_seconds=settings.webhook_interval_ms / 1_000, stop=stop)
    return 0


def deliver(
    desk: DeliverPorts,
    *,
    interval_seconds: float,
    stop: Event,
    turn: Callable[[DeliverPorts], DeliveryTurn] = deliver_events,
) -> None:
    """Carry out turns until `stop` is set; one under way is finished first."""
    while not stop.is_set():
        try:
            idle = turn(desk).idle
        except UnavailableError as error:
            print(f"deliverer waits: {error}", file=sys.stderr)
            idle = True
        if idle:
            stop.wait(interval_seconds)
