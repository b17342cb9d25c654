"""What the consortium's reports need of the store."""

from __future__ import annotations

from collections.abc import Generator
from typing import NamedTuple, Protocol
from uuid import UUID


class SealedVersion(NamedTuple):
    """One version of a record, still sealed."""

    version: int
    epoch: str
    submitted_at: int  # unix seconds
    kek_id: str
    wrapped: bytes
    sealed: bytes


class ReportedAccount(NamedTuple):
    """An account with its newest version, and the one that stood at the snapshot before."""

    token_index: bytes  # of the primary identity token
    record_id: UUID
    member: str
    now: SealedVersion
    then: SealedVersion | None


class StoredReport(NamedTuple):
    """A report that was made: two documents, each signed."""

    report_id: UUID
    month: int  # 12 times the year, plus 0 to 11: of the day on which it was made
    snapshot_at: int  # unix seconds
    records: int  # versions that were opened
    leaf_hash: bytes
    whole: str  # compact JWS: the regulator's
    outward: str  # compact JWS: the members'


class ReportStatements(Protocol):
    """Statements about the consortium's reports."""

    def accounts(self, before: int) -> Generator[ReportedAccount, None, None]:
        """Yield every account that is open, or was at a moment, subject by subject.

        One snapshot of the database, read-only, and few rows at a time: the unit of work writes
        nothing beside it. Close it before that ends.

        Args:
            before: unix seconds of the earlier snapshot.
        """
        ...

    def add(self, report: StoredReport) -> bool:
        """Store a report; say whether its month had none."""
        ...

    def newest(self, month: int | None) -> StoredReport | None:
        """Find the report of a month, or the newest one."""
        ...

    def months(self) -> list[int]:
        """List the months that have a report, the newest first."""
        ...

    def snapshots(self, rows: int) -> list[int]:
        """List when the newest reports were made (unix seconds), the newest first."""
        ...
