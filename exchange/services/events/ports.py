"""What the services need of the store about events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol
from uuid import UUID

from exchange.domain.outward.events import FeedEvent, NewEvent
from exchange.services.queries.ports import StoredAnswer
from exchange.services.records.ports import SealedRecord


class PastAsker(NamedTuple):
    """The last answer about new credit that a member was given about a subject."""

    member: str
    query_id: UUID
    stored: StoredAnswer


class Expiring(NamedTuple):
    """A grant that ends soon, and the words under which that is told once."""

    grantee: str
    grant_id: UUID
    state: str
    expires: int
    once: str


class Correction(NamedTuple):
    """A row that corrects or deletes what was said before."""

    line: int
    indices: tuple[bytes, ...]  # of the identity tokens, primary first
    deleted: bool


class SealedPage(NamedTuple):
    """What askers would have been shown before a page of corrections, sealed."""

    kek_id: str
    wrapped: bytes
    sealed: bytes


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

    def told(self, once: str) -> bool:
        """Say whether something that is told but once was told before."""
        ...

    def expiring(self, after: int, until: int, days: int, rows_max: int) -> list[Expiring]:
        """Find grants that end in this span and were not told of under so many days' notice."""
        ...

    def past_askers(self, indices: Sequence[bytes], since: int) -> list[PastAsker]:
        """Find the active members that asked about new credit since then, each with its last."""
        ...

    def records_of(self, indices: Sequence[bytes], now: int) -> list[SealedRecord]:
        """Fetch the current records under a subject's identity tokens, as a look reads them."""
        ...

    def contributors(self, member: str) -> int:
        """Count the active members that contribute, but for this one."""
        ...

    def read(self, member: str, after: int, rows_max: int, *, grants_only: bool) -> list[FeedEvent]:
        """Read numbered events after a place, in order."""
        ...


class CorrectionStatements(Protocol):
    """Statements about the corrections of the file at work in this session."""

    def choose(self, since: int) -> None:
        """Choose the corrections of subjects whom anybody asked about since then."""
        ...

    def page(self, after: int, rows: int) -> list[Correction]:
        """Return the next corrections behind a line, in order."""
        ...

    def keep_before(self, after: int, page: SealedPage) -> None:
        """Keep what was to be seen before the merge, of the page behind a line."""
        ...

    def before(self, after: int) -> SealedPage | None:
        """Return what was to be seen before the merge, of the page behind a line."""
        ...
