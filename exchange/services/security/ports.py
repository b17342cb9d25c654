"""What the services need of the store about security events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from exchange.domain.security.events import EventFilter, SecurityEvent


class SecurityStatements(Protocol):
    """Statements about security events."""

    def append(self, events: Sequence[tuple[UUID, SecurityEvent]]) -> None:
        """Write events under ids of ours."""
        ...

    def newest(self, wanted: EventFilter) -> list[SecurityEvent]:
        """Read the newest events that match, oldest of them first."""
        ...

    def forget(self, before: int) -> int:
        """Delete events older than a time; say how many."""
        ...
