"""What the services need of the store about disbursements."""

from __future__ import annotations

from typing import NamedTuple, Protocol
from uuid import UUID


class StoredDisbursement(NamedTuple):
    """A disbursement that was reported before."""

    digest: bytes
    receipt: str


class DisbursementRow(NamedTuple):
    """A disbursement to store. Its subject stands in the leaf alone, and there as a pseudonym."""

    disbursement_id: UUID
    digest: bytes
    leaf_hash: bytes
    received_at: int  # unix seconds
    receipt: str


class DisbursementStatements(Protocol):
    """Statements about disbursements."""

    def find(self, member: str, disbursement_id: UUID) -> StoredDisbursement | None:
        """Find what this member reported under an id."""
        ...

    def add(self, member: str, row: DisbursementRow) -> bool:
        """Store one; say whether its id was free."""
        ...
