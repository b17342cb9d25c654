"""What the sequencer and the proofs need of the world, as values and protocols.

The sequencer runs as a process and a database role of its own, so it has ports of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from exchange.domain.log.policies import NO_POLICY, Policy
from exchange.domain.merkle import TreeHead
from exchange.domain.notes import KeyType, NoteKey
from exchange.domain.tiles import TileId
from exchange.services.log.daily_ports import DailyStatements
from exchange.services.log.leaf_ports import LogStatements
from exchange.services.ports import Ports
from exchange.services.witnesses.ports import PublicationStatements


class LogRef(NamedTuple):
    """One log: its row and its name."""

    log_id: int
    origin: str


class LogState(NamedTuple):
    """A log as its last turn left it."""

    size: int
    root: bytes
    edge: tuple[bytes, ...]
    note: str  # the signed checkpoint of this size, or "" before the first turn
    mark: Mark


class Mark(NamedTuple):
    """How far back leaves without an index may stand, in the order in which they were written."""

    floor: int = 0  # below it every leaf has its index, and none can appear any more
    ceiling: int = 0  # the next floor, once these transactions have ended
    writers: tuple[str, ...] = ()


class Taken(NamedTuple):
    """Leaves that were given the next indices, one after the other in each of the byte strings."""

    number: int
    last: int  # the largest place in the order of writing, 0 if there are none
    leaf_hashes: bytes  # 32 bytes a leaf
    entries: bytes  # 116 bytes a leaf, if they are whole


class LeafEntry(NamedTuple):
    """A leaf as anyone may see it."""

    leaf_hash: bytes
    entry: bytes


class StoredLeaf(NamedTuple):
    """A leaf with both openings, still sealed, and the key that opens them, still wrapped."""

    log: LogRef
    leaf_index: int | None  # None: it waits for the sequencer
    created_at: int
    entry: bytes
    key_id: str
    subject_sealed: bytes
    audit_sealed: bytes
    kek_id: str
    wrapped: bytes


class Unproven(NamedTuple):
    """A leaf without an index."""

    leaf_hash: bytes
    kind: str
    member: str
    t: int  # unix seconds


class TreeStatements(Protocol):
    """Statements about the tree: states, indices, tiles, checkpoints."""

    def open_logs(self) -> list[LogRef]:
        """List the logs that may still grow, oldest first."""
        ...

    def newest_log(self) -> LogRef | None:
        """Return the log that was opened last, open or closed."""
        ...

    def hold_writers(self) -> None:
        """Wait until nobody writes leaves, and let nobody until this transaction ends."""
        ...

    def close_log(self, log_id: int, now: int) -> bool:
        """Let no further leaf follow; say whether the log was open."""
        ...

    def create_log(self, origin: str, now: int) -> int | None:
        """Open a log of this name and return its id, or None if there is one."""
        ...

    def lock_state(self, log_id: int, now: int) -> LogState:
        """Fetch a log's state for update; a log without one has no leaf yet."""
        ...

    def state(self, log_id: int) -> LogState:
        """Fetch a log's state as it was committed last."""
        ...

    def take(self, log_id: int, mark: Mark, first: int, *, rows_max: int) -> Taken:
        """Give leaves that wait the indices from `first` on, in the order they were written."""
        ...

    def writers(self) -> tuple[str, ...]:
        """Name the transactions under way that write leaves, or may yet."""
        ...

    def oldest_waiting_at(self, log_id: int, mark: Mark) -> int | None:
        """Say when the first leaf without an index was written."""
        ...

    def tiles(self, log_id: int, wanted: Collection[TileId]) -> dict[TileId, bytes]:
        """Fetch tiles; absent ones are left out."""
        ...

    def put_tiles(self, log_id: int, tiles: Mapping[TileId, bytes]) -> int:
        """Store or widen tiles; return how many. One that would change is not counted."""
        ...

    def put_checkpoint(self, log_id: int, head: TreeHead, note: str, signed_at: int) -> None:
        """Keep a signed checkpoint."""
        ...

    def advance(self, log_id: int, old_size: int, state: LogState, covered_until: int) -> bool:
        """Move a log on from this size; say whether it stood there."""
        ...

    def sequenced(self, log_id: int, *, first: int, rows_max: int) -> list[LeafEntry]:
        """Fetch leaves by index, in order, from `first` on."""
        ...

    def unproven(self, log_id: int) -> list[Unproven]:
        """List the leaves of a log without an index, in the order they were written."""
        ...

    def find_leaf(self, leaf_hash: bytes) -> StoredLeaf | None:
        """Find a leaf and its openings."""
        ...


class MeterStatements(Protocol):
    """Statements about counts that several processes keep, and one of them shows."""

    def add(self, counts: Mapping[tuple[str, str], float]) -> None:
        """Raise counts, by name and labels as Prometheus writes them ("": none)."""
        ...


class LogWork(Protocol):
    """A unit of work on the tree: one transaction. Leaving it without commit() undoes it."""

    @property
    def tree(self) -> TreeStatements:
        """Statements about the tree."""
        ...

    @property
    def log(self) -> LogStatements:
        """Statements that write leaves."""
        ...

    @property
    def daily(self) -> DailyStatements:
        """Statements about what the log says once a day."""
        ...

    @property
    def publication(self) -> PublicationStatements:
        """Statements about what is shown."""
        ...

    @property
    def meters(self) -> MeterStatements:
        """Statements about counts."""
        ...

    def commit(self) -> None:
        """Make everything durable; nothing may be written afterwards."""
        ...


class HeldCheckpoint(Protocol):
    """The newest checkpoint as it is kept outside the database, held against other sequencers."""

    @property
    def note(self) -> bytes:
        """The signed note, or nothing if none was kept yet."""
        ...

    def replace(self, note: bytes) -> None:
        """Keep a newer note, durably.

        Raises:
            LogRolledBack: somebody else replaced it meanwhile.
        """
        ...


class CheckpointSigner(Protocol):
    """Whoever holds the log's key."""

    @property
    def checkpoint_public_key(self) -> bytes:
        """The 32 bytes that verify checkpoints."""
        ...

    def sign_checkpoint(self, text: bytes) -> bytes:
        """Sign a checkpoint's text: 64 bytes."""
        ...


def _nobody_is_asked(log: LogRef) -> None:
    """Go by the database and the outside checkpoint alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SequencePorts:
    """Everything the sequencer may touch."""

    now: Callable[[], int]  # unix seconds
    begin: Callable[[], AbstractContextManager[LogWork]]
    outside: Callable[[str], AbstractContextManager[HeldCheckpoint]]  # by origin
    signer: CheckpointSigner
    rows_max: int  # leaves a turn
    vouch: Callable[[LogRef], None] = _nobody_is_asked  # raises if witnesses saw another log


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPorts:
    """What every service may touch, and units of work that reach the tree as well."""

    ports: Ports
    begin: Callable[[], AbstractContextManager[LogWork]]
    policy: Policy = NO_POLICY  # whose cosignatures make a checkpoint final


def log_key(origin: str, public_key: bytes) -> NoteKey:
    """Return the key that verifies a log's checkpoints: its name is the log's origin."""
    return NoteKey(name=origin, kind=KeyType.ED25519, public_key=public_key)
