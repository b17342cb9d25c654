"""What the services of members' standing need of the store."""

from __future__ import annotations

from typing import NamedTuple, Protocol
from uuid import UUID

from consent.reciprocity import Contribution, Earned, Quality
from exchange.domain.life.quality import Measures


class QualityMonth(NamedTuple):
    """How well a member contributed, as measured once in a month."""

    member: str
    month: int  # 12 times the year, plus 0 to 11
    timely: int
    valid: int
    complete: int
    fresh: int
    plausible: int
    upheld: int
    dqi: int
    quality: Quality
    contribution: Contribution
    measured_at: int  # unix seconds


class Announced(NamedTuple):
    """A depth of answers, and from when it holds."""

    member: str
    effective_at: int  # unix seconds
    earned: Earned
    quality: Quality
    contribution: Contribution
    announced_at: int  # unix seconds


class ListedAccount(NamedTuple):
    """An account that is listed as overdue, still sealed."""

    account_ref: str
    record_id: UUID
    version: int
    epoch: str
    kek_id: str
    wrapped: bytes
    sealed: bytes
    listed_at: int  # unix seconds: when the running arrear was first told


class StandingStatements(Protocol):
    """Statements about members' standing."""

    def unmeasured(self, month: int) -> list[str]:
        """List active lenders without a measure of this month."""
        ...

    def measure(self, member: str, now: int) -> Measures:
        """Count what a member did in the last 90 days."""
        ...

    def add_month(self, measured: QualityMonth) -> bool:
        """Store a month's measure; say whether there was none yet."""
        ...

    def months(self, member: str | None, rows: int) -> list[QualityMonth]:
        """List measures, of one member or of all, the newest first."""
        ...

    def announced(self, member: str | None) -> list[Announced]:
        """List what was announced, of one member or of all, in the order in which it holds."""
        ...

    def announce(self, change: Announced) -> None:
        """Store a change to come, in place of one that was still to come."""
        ...

    def take_back(self, member: str, now: int) -> None:
        """Remove a change that was still to come."""
        ...

    def listed_overdue(self, member: str, after: str, rows: int) -> list[ListedAccount]:
        """List a member's overdue accounts behind one, in the order of their references."""
        ...
