"""What the services need of the store about status lists."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from consent.grants import GrantState


class Standing(NamedTuple):
    """What decides the status at one index."""

    idx: int
    state: GrantState  # as stored
    expires: int
    uses: int
    max_uses: int | None


class StatusStatements(Protocol):
    """Statements about status lists."""

    def open_next(self, filled_max: int) -> None:
        """Open the first list, or the next where the newest holds so many grants."""
        ...

    def take_due(self, before: int) -> int | None:
        """Hold a list that was published before then, and that nobody else holds."""
        ...

    def standings(self, list_id: int) -> list[Standing]:
        """Read what decides the statuses of a list."""
        ...

    def publish(self, list_id: int, token: str, now: int) -> None:
        """Store a signed list."""
        ...

    def find(self, list_id: int) -> str | None:
        """Fetch a signed list."""
        ...
