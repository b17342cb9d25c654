"""Store security events: a transaction of their own, beside the requests they speak of."""

from __future__ import annotations

from collections.abc import Sequence

from exchange.domain.ids import uuid7
from exchange.domain.security.events import SecurityEvent
from exchange.services.ports import Ports


def store_events(events: Sequence[SecurityEvent], ports: Ports) -> None:
    """Store these events, all or none.

    Raises:
        UnavailableError: the database is not available.
    """
    made = ports.now_ms()
    with ports.begin() as work:
        work.security.append([(uuid7(made, ports.random_bytes), event) for event in events])
        work.commit()
