"""What `exchange verify-run` reads, as values and protocols. It writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import NamedTuple, Protocol
from uuid import UUID

from exchange.crypto.keyring import Keyring
from exchange.crypto.sealing import Sealer
from exchange.services.log.ports import CheckpointSigner, LeafEntry, LogRef, LogState


class Break(NamedTuple):
    """One thing that does not hold: which invariant, which row, and what is wrong with it."""

    invariant: str  # I1 to I12 of security.md, 3
    row: str  # ids and hashes alone, never a value
    wrong: str


class RowClaim(NamedTuple):
    """Something that must hold of the rows, and the rows of which it does not."""

    invariant: str  # I1 to I12 of security.md, 3
    claim: str
    rows: tuple[str, ...]  # the first of them


class StoredLook(NamedTuple):
    """An answer with its leaf and openings, still sealed, and the key that opens them."""

    member: str
    query_id: UUID
    digest: bytes
    leaf_hash: bytes
    origin: str
    entry: bytes
    key_id: str
    subject_sealed: bytes
    audit_sealed: bytes
    kek_id: str
    wrapped: bytes


class StoredGrant(NamedTuple):
    """A grant, and how often it was used by its own counter."""

    grantee: str
    grant_id: UUID
    uses: int


class StoredCheckpoint(NamedTuple):
    """A checkpoint as it was signed."""

    size: int
    root: bytes
    note: str


class StoredRecord(NamedTuple):
    """One version of a record, still sealed."""

    record_id: UUID
    version: int
    member: str
    epoch: str
    kek_id: str
    wrapped: bytes
    sealed: bytes


class ShownAfterEnd(NamedTuple):
    """A record in answers although a grant that it rests on has ended, and that grant's artefact.

    Only where the grant was a consent that is wrong.
    """

    record_id: UUID
    artefact: bytes


class StoredReply(NamedTuple):
    """What is stored of something that a client holds a receipt of."""

    digest: bytes  # of the query or the file
    leaf_hash: bytes | None  # None: a batch that changed nothing
    leaf_index: int | None
    created_at: int | None  # of the leaf
    rows: int  # of a batch: versions stored by it


class RunStatements(Protocol):
    """Everything that is read, from one snapshot of the database."""

    def row_claims(self, now: int) -> Iterator[RowClaim]:
        """Check what SQL alone can check."""
        ...

    def logs(self) -> list[LogRef]:
        """List all logs, closed ones included."""
        ...

    def state(self, log_id: int) -> LogState:
        """Fetch a log's state."""
        ...

    def checkpoints(self, log_id: int) -> list[StoredCheckpoint]:
        """Fetch every checkpoint of a log, smallest first."""
        ...

    def leaves(self, log_id: int) -> Iterator[list[LeafEntry]]:
        """Fetch the leaves that have an index, in its order, by the thousand."""
        ...

    def looks(self) -> Iterator[StoredLook]:
        """Fetch every answer whose leaf can still be opened."""
        ...

    def grants(self) -> Iterator[StoredGrant]:
        """Fetch every grant."""
        ...

    def shown_after_end(self) -> Iterator[ShownAfterEnd]:
        """Fetch records in answers of whose chain of grants the last was ended."""
        ...

    def some_records(self, rows_max: int) -> Iterator[StoredRecord]:
        """Fetch records at random."""
        ...

    def find_query(self, member: str, query_id: UUID) -> StoredReply | None:
        """Find what is stored under a query id."""
        ...

    def find_batch(self, member: str, batch_id: UUID) -> StoredReply | None:
        """Find what is stored under a batch id."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPorts:
    """Everything this program may touch."""

    now: Callable[[], int]  # unix seconds
    snapshot: Callable[[], AbstractContextManager[RunStatements]]
    outside: Callable[[str], bytes]  # the note kept outside the database, by origin; b"" if none
    signer: CheckpointSigner
    keyring: Keyring
    sealer: Sealer
    issuer: str
