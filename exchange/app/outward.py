"""What the parts that tell members things need, made of ports and settings.

Not here: routes. Worker and deliverer start from this, and load no HTTP.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from exchange.app.webhook_sender import WebhookSender
from exchange.domain.outward.endpoints import EndpointRules
from exchange.services.ports import Ports
from exchange.services.watches.manage_watches import WatchPorts
from exchange.services.webhooks.deliver_events import DeliverPorts
from exchange.services.webhooks.manage_webhooks import WebhookPorts
from exchange.settings import Settings


def endpoint_rules(settings: Settings) -> EndpointRules:
    """Return what this exchange lets an endpoint be."""
    return EndpointRules(
        ports=frozenset(settings.webhook_ports), loopback=settings.webhook_loopback
    )


def webhook_ports(settings: Settings, ports: Ports) -> WebhookPorts:
    """Gather what the routes of webhooks need."""
    return WebhookPorts(
        ports=ports,
        rules=endpoint_rules(settings),
        per_member_max=settings.webhooks_per_member_max,
        replay_events_max=settings.webhook_replay_events_max,
    )


def watch_ports(settings: Settings, ports: Ports) -> WatchPorts:
    """Gather what watches need."""
    return WatchPorts(
        ports=ports,
        per_member_max=settings.watches_per_member_max,
        life_seconds=settings.watch_days * 86_400,
        ended_keep_seconds=settings.watch_ended_keep_days * 86_400,
    )


@contextmanager
def deliver_ports(settings: Settings, ports: Ports) -> Iterator[DeliverPorts]:
    """Yield what the deliverer needs; its threads end with it."""
    with (
        ThreadPoolExecutor(settings.webhook_sender_threads, "ring") as senders,
        ThreadPoolExecutor(settings.webhook_sender_threads, "lookup") as lookups,
    ):
        yield DeliverPorts(
            ports=ports,
            rules=endpoint_rules(settings),
            send=WebhookSender(
                seconds_max=settings.webhook_try_ms_max / 1_000,
                reply_bytes_max=settings.webhook_reply_bytes_max,
                loopback=settings.webhook_loopback,
                lookups=lookups,
                tls=ssl.create_default_context(),
            ),
            map=senders.map,
        )
