"""What the services of retention need of the store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple, Protocol
from uuid import UUID

from exchange.domain.life.purging import Bounds


class DueRecord(NamedTuple):
    """A record that must go, still sealed: its newest version tells why."""

    record_id: UUID
    member: str
    version: int
    epoch: str
    suppressed: bool
    kek_id: str
    wrapped: bytes
    sealed: bytes


class GoneVersion(NamedTuple):
    """A version that was removed, and its data key with it."""

    record_id: UUID
    version: int


class GoneAccount(NamedTuple):
    """An account that was removed with its record."""

    record_id: UUID
    member: str
    account_ref: str


class Tombstone(NamedTuple):
    """What stays of a deleted record."""

    record_id: UUID
    member: str
    account_mac: bytes
    reason: str
    day: date


class PurgeRun(NamedTuple):
    """One run that removed something, and its certificate."""

    run_id: UUID
    ran_on: date
    ran_at: int
    records: int
    versions: int
    leaf_hash: bytes
    certificate: str  # compact JWS


class RetentionStatements(Protocol):
    """Statements about what retention takes away."""

    def begin_purge(self) -> bool:
        """Let one purge run at a time, until the end of the transaction; say whether it may."""
        ...

    def due(self, today: date, rows: int) -> list[DueRecord]:
        """Find records past their last day, deleted or withdrawn, oldest first."""
        ...

    def hold(self, due: Sequence[DueRecord]) -> list[DueRecord]:
        """Hold what belongs to due records; leave out what others are at, or have moved on."""
        ...

    def remove(self, record_ids: Sequence[UUID]) -> tuple[list[GoneVersion], list[GoneAccount]]:
        """Remove records: versions, keys, accounts wherever they are listed, statements, marks."""
        ...

    def remove_disputes(self, record_ids: Sequence[UUID]) -> None:
        """Remove the disputes about these records, and their keys."""
        ...

    def remove_leftovers(self, bounds: Bounds) -> list[GoneVersion]:
        """Remove what only stood beside records that are gone, and versions long replaced."""
        ...

    def add_tombstones(self, tombstones: Sequence[Tombstone]) -> None:
        """Store what stays of deleted records."""
        ...

    def fraud_macs(self, member: str) -> set[bytes]:
        """List the accounts of a member that were deleted for fraud and are purged."""
        ...

    def add_run(self, run: PurgeRun) -> None:
        """Store a run and its certificate."""
        ...

    def runs(self, ran_on: date | None, rows: int) -> list[PurgeRun]:
        """List runs, the newest first; those of one day where it is given."""
        ...
