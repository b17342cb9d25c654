"""What the services of batches need of the store.

`BatchStatements` are about files as their members see them; `StagingStatements` about the rows of
the one file that a session is at work on: they live in tables of that session alone and go with
it, so that a worker that dies leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol, TypeAlias
from uuid import UUID

from msgspec import Struct

from consent.grants import HeldGrant
from exchange.domain.batches import BatchLimits
from exchange.domain.rows import RowFault
from exchange.services.records.ports import NewVersion


class BatchState(StrEnum):
    """Where a file stands."""

    RECEIVING = "RECEIVING"
    QUEUED = "QUEUED"
    CHECKING = "CHECKING"
    MERGING = "MERGING"
    DONE = "DONE"
    REJECTED = "REJECTED"
    DRY_RUN_DONE = "DRY_RUN_DONE"
    EXPIRED = "EXPIRED"


UNDER_WAY = frozenset(
    {BatchState.RECEIVING, BatchState.QUEUED, BatchState.CHECKING, BatchState.MERGING}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchTerms:
    """How record files are taken."""

    limits: BatchLimits
    fault_share_percent_max: int
    inline_bytes_max: int  # a file that unpacks to no more is finished within its request
    part_bytes_max: int
    receiving_max: int  # unfinished uploads of a member
    unfinished_seconds: int  # an upload that did not end is dropped
    dry_run_seconds: int  # the faults of a dry run are kept
    tries_max: int


class BatchKey(NamedTuple):
    """Which file of which member."""

    member: str
    batch_id: UUID


class BatchRow(NamedTuple):
    """One file, as its member may ask for it."""

    batch_id: UUID
    digest: bytes  # SHA-256 of the unpacked file; until it was unpacked, what the sender says
    sequence: int
    state: str
    kind: str
    rows: int  # 0 until the file was counted
    rows_done: int
    faults: int  # rows that were refused
    received_at: int  # unix seconds: of the first byte, or of the whole file
    received_bytes: int  # as sent
    total_bytes: int  # as sent
    started_at: int | None  # unix seconds; of the newest try
    key: str  # that signed the upload
    leaf_hash: bytes | None
    receipt: str  # "" where there is none
    refusal: str  # code, "" unless REJECTED
    refusal_field: str
    refusal_detail: str


class FaultCount(NamedTuple):
    """How often a code was met in a file."""

    code: str
    severity: str
    faults: int


class PartKey(NamedTuple):
    """The data key that seals what was sent of a file."""

    kek_id: str
    wrapped: bytes


class StagedVersion(Struct, frozen=True, gc=False):
    """One row that is stored, if nothing speaks against it later; its version is sealed already."""

    line: int
    warned: bool
    amended: bool
    left: tuple[str, bytes, int] | None  # account that goes, its record (16 bytes) and version
    stored: NewVersion


class StagedNote(Struct, frozen=True, gc=False):
    """One row that stores nothing: its account is spoken of all the same."""

    line: int
    action: int  # of Action
    warned: bool
    account_ref: str
    previous_ref: str | None
    record_id: bytes | None  # 16 bytes: of what is stored and said again
    version: int | None
    indices: tuple[bytes, ...]  # of the identity tokens; () of a row that is wrong by itself
    grant_id: bytes | None  # UUIDv7, 16 bytes


StagedRow: TypeAlias = StagedVersion | StagedNote


class Action:
    """What becomes of a row."""

    REFUSE = 0
    CONFIRM = 1  # it says what is stored
    STORE = 2
    PASS_OVER = 3  # a later file has spoken


class StagedCounts(NamedTuple):
    """How many staged rows became what."""

    stored: int
    unchanged: int
    amended: int
    deleted: int
    refused: int
    warned: int
    later: int  # of those stored: versions of a record that was there before
    left: int  # of those stored: under another number of the account than before
    opened: int  # of those stored: under a number that no account has


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeTerms:
    """What all rows of a merge share."""

    key: BatchKey
    sequence: int
    submitted_at: int  # unix seconds


class BatchStatements(Protocol):
    """Statements about files."""

    def find(self, key: BatchKey) -> BatchRow | None:
        """Find a file of the member."""
        ...

    def add(self, member: str, batch: BatchRow, part_key: PartKey) -> bool:
        """Store a new file; False if its id is taken."""
        ...

    def receiving(self, member: str) -> int:
        """Count the member's unfinished uploads."""
        ...

    def add_part(self, key: BatchKey, offset: int, sealed: bytes) -> None:
        """Keep a part of what was sent."""
        ...

    def received(self, key: BatchKey, *, before: int, after: int, state: BatchState) -> bool:
        """Move the count of bytes on; False if it did not stand at `before`."""
        ...

    def part_key(self, key: BatchKey) -> PartKey:
        """Return the data key of what was sent."""
        ...

    def part(self, key: BatchKey, offset: int) -> tuple[int, bytes] | None:
        """Return the first part from an offset on, and where it starts; None at the end."""
        ...

    def waiting(self, limit: int) -> list[BatchKey]:
        """List files that are queued, or were left by a worker; oldest first."""
        ...

    def start(self, key: BatchKey, now: int) -> int:
        """Begin a try; return how many there were, this one included."""
        ...

    def progress(self, key: BatchKey, state: BatchState, *, rows: int, done: int) -> None:
        """Tell how far it has come."""
        ...

    def finish(self, member: str, batch: BatchRow) -> None:
        """Store what became of a file, and drop what was sent of it."""
        ...

    def faults(self, key: BatchKey, after_line: int, limit: int) -> list[RowFault]:
        """List faults of whole lines behind a line, in their order."""
        ...

    def listed(self, member: str, after: UUID | None, rows: int) -> list[BatchRow]:
        """List a member's files, the newest first, behind one."""
        ...

    def fault_counts(self, key: BatchKey) -> list[FaultCount]:
        """Count the faults of a file by code, the most frequent first."""
        ...

    def absent(self, key: BatchKey, after_ref: str, limit: int) -> list[str]:
        """List open accounts that a FULL file did not mention."""
        ...

    def expire(self, before: int) -> int:
        """Drop uploads that began before this and never ended; count them."""
        ...

    def forget_dry_runs(self, before: int) -> int:
        """Drop the faults of dry runs received before this; count them."""
        ...


class StagingStatements(Protocol):
    """Statements about the file at work in this session."""

    def reset(self) -> None:
        """Begin with nothing staged."""
        ...

    def stage(self, parts: Iterable[Iterable[StagedRow]]) -> None:
        """Stage judged rows, each part as it is made; making one must ask the store nothing."""
        ...

    def add_faults(self, faults: Sequence[RowFault]) -> None:
        """Stage the faults of rows."""
        ...

    def refuse_duplicates(self) -> None:
        """Refuse every row of an account that stands in more than one."""
        ...

    def warn(self, fault: RowFault) -> None:
        """Stage a warning that only the whole file gives rise to."""
        ...

    def warn_crowded(self, member: str, live_max: int) -> None:
        """Warn of each account that is opened for a subject with more live ones than this."""
        ...

    def counts(self) -> StagedCounts:
        """Count what became of the rows."""
        ...

    def grant_kinds(self, member: str, now: int) -> list[HeldGrant | None]:
        """Say what kinds of grants rows name; None: one not found.

        Args:
            now: unix seconds, by which they will be judged: times far from it are alike.
        """
        ...

    def refuse_by_grants(
        self, judged: Mapping[HeldGrant | None, str | None], by: tuple[str, int], *, stranger: str
    ) -> None:
        """Refuse rows by the kind of their grants; one of no such kind is as good as none.

        Args:
            judged: the fault, if any, of each kind and of None: no grant at all.
            by: member and time, as in `grant_kinds`.
            stranger: the fault of a row whose grant is registered for another subject.
        """
        ...

    def merge(self, terms: MergeTerms, counts: StagedCounts) -> bool:
        """Store what is staged, beside what it follows; False if an account has moved on."""
        ...

    def retire(self) -> None:
        """Let the stored versions be the current ones, and none before them."""
        ...

    def keep_absent(self, key: BatchKey) -> int:
        """Keep the list of open accounts that the file does not mention; count them."""
        ...

    def keep_faults(self, key: BatchKey) -> None:
        """Keep the faults."""
        ...
