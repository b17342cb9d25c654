"""The deliverer's process: ring at members' endpoints until it is told to stop, and now and then
tell of grants that end soon and publish the status lists.

It polls its own table and needs no queue: what is due is a row, and a row is taken by one deliverer
at a time. Two of them share the work; one that is killed is succeeded when its leases run out.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import closing
from threading import Event

from exchange.app.outward import deliver_ports
from exchange.app.ports import make_ports, open_database
from exchange.errors import UnavailableError
from exchange.jobs.sequence import stop_on_signals
from exchange.services.events.tell_expiring import tell_expiring
from exchange.services.ports import Ports
from exchange.services.statuses.publish_lists import publish_lists
from exchange.services.webhooks.deliver_events import DeliverPorts, DeliveryTurn, deliver_events
from exchange.settings import Settings

CHORES_SECONDS = 20  # a list that is due waits no longer


def run_deliverer(settings: Settings) -> int:
    """Deliver until SIGTERM or SIGINT; return the exit code."""
    stop = Event()
    stop_on_signals(stop)
    with closing(open_database(settings)) as database:
        ports = make_ports(settings, database)
        with deliver_ports(settings, ports) as desk:
            deliver(desk, interval_seconds=settings.webhook_interval_ms / 1_000, stop=stop)
    return 0


def do_chores(ports: Ports) -> None:
    """Tell what is about to end, and publish the lists that are due; safe in any number."""
    tell_expiring(ports)
    publish_lists(ports)


def deliver(
    desk: DeliverPorts,
    *,
    interval_seconds: float,
    stop: Event,
    turn: Callable[[DeliverPorts], DeliveryTurn] = deliver_events,
) -> None:
    """Carry out turns until `stop` is set; one under way is finished first."""
    chores_at = time.monotonic()
    while not stop.is_set():
        try:
            if time.monotonic() >= chores_at:
                chores_at = time.monotonic() + CHORES_SECONDS
                do_chores(desk.ports)
            idle = turn(desk).idle
        except UnavailableError as error:
            print(f"deliverer waits: {error}", file=sys.stderr)
            idle = True
        if idle:
            stop.wait(interval_seconds)
