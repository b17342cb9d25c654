"""What the services need of the store about events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from exchange.domain.outward.events import FeedEvent, NewEvent


class EventStatements(Protocol):
    """Statements about events."""

    def add(self, events: Sequence[NewEvent]) -> int:
        """Write events in this transaction; say how many were not told before (`once`)."""
        ...

    def number(self, member: str) -> None:
        """Give what has committed for a member its place; lock the member's count, briefly."""
        ...

    def place(self, member: str, event_id: UUID) -> int | None:
        """Return the place of one of the member's events."""
        ...

    def read(self, member: str, after: int, rows_max: int, *, grants_only: bool) -> list[FeedEvent]:
        """Read numbered events after a place, in order."""
        ...
