"""What the services need of the store about disbursements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol
from uuid import UUID


class StoredDisbursement(NamedTuple):
    """A disbursement that was reported before."""

    digest: bytes
    receipt: str


class DisbursementRow(NamedTuple):
    """A disbursement to store. Its subject stands in the leaf alone, and there as a pseudonym."""

    disbursement_id: UUID
    account_mac: bytes
    digest: bytes
    leaf_hash: bytes
    received_at: int  # unix seconds
    receipt: str


class OpenedAccount(NamedTuple):
    """An account with its newest version, still sealed."""

    member: str
    account_ref: str
    enrolled_at: int  # unix seconds: when its member was
    record_id: UUID
    version: int
    epoch: str
    token_index: bytes  # of the primary identity token
    kek_id: str
    wrapped: bytes
    sealed: bytes
    suppressed: bool  # deleted or withdrawn


class DisbursementStatements(Protocol):
    """Statements about disbursements."""

    def find(self, member: str, disbursement_id: UUID) -> StoredDisbursement | None:
        """Find what this member reported under an id."""
        ...

    def add(self, member: str, row: DisbursementRow) -> bool:
        """Store one; say whether its id was free."""
        ...

    def disbursed(self, account_macs: Sequence[bytes]) -> set[bytes]:
        """Say for which of these accounts a disbursement was reported."""
        ...

    def take_opened(self, before: UUID, rows: int) -> list[OpenedAccount]:
        """Take the accounts not taken yet, oldest first; one turn at a time.

        Args:
            before: a record id; what was first reported later waits.
            rows: how many to take at most.
        """
        ...
