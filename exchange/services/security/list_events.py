"""Read the security events, for the operator."""

from __future__ import annotations

from exchange.domain.security.events import EventFilter, SecurityEvent
from exchange.services.ports import Ports


def list_events(wanted: EventFilter, ports: Ports) -> list[SecurityEvent]:
    """Return the newest events that match, oldest of them first."""
    with ports.begin() as work:
        return work.security.newest(wanted)
