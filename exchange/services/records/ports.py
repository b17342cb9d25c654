"""What the services of records need of the store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol, TypeAlias
from uuid import UUID

from msgspec import Struct

from consent.grants import HeldGrant
from exchange.domain.records import Transfer


class SealedAccount(NamedTuple):
    """The newest version of one account of the member, still sealed."""

    account_ref: str
    record_id: UUID
    version: int
    sequence: int
    epoch: str
    token_index: bytes  # of the primary identity token
    disputed: bool
    kek_id: str
    wrapped: bytes
    sealed: bytes


class SealedRecord(NamedTuple):
    """One record version of a subject, still sealed."""

    record_id: UUID
    member: str
    version: int
    epoch: str
    disputed: bool
    suppressed: bool
    kek_id: str
    wrapped: bytes
    sealed: bytes
    answer_late: bool  # the answer to its dispute is overdue


class NamedGrant(NamedTuple):
    """The grant that a row names."""

    line: int
    grant_id: bytes  # UUIDv7, 16 bytes
    indices: tuple[bytes, ...]  # of the row's identity tokens, primary first


# A grant that a row names, under one of the row's tokens: index of the token, and id (16 bytes).
GrantAsk: TypeAlias = tuple[bytes, bytes]


class NewVersion(Struct, frozen=True, gc=False):
    """One version of one record to append; the first one opens the record."""

    account_ref: str
    previous_ref: str | None  # the number under which the account was known so far
    record_id: bytes  # UUIDv7, 16 bytes
    version: int
    epoch: str
    indices: tuple[bytes, ...]  # of the identity tokens, primary first
    open: bool
    overdue: bool
    disputed: bool
    suppressed: bool
    grant_id: bytes | None  # UUIDv7, 16 bytes
    purge_day: int | None  # days from 1970-01-01
    kek_id: str
    wrapped: bytes
    sealed: bytes


Place: TypeAlias = tuple[bytes, int]  # of a version: record id (16 bytes), version


class TransferRow(NamedTuple):
    """One transfer: which version tells each side of it."""

    transfer_id: bytes  # UUIDv7, 16 bytes
    revision: int  # 1, 2, 3 …
    sold: Place | None
    bought: Place | None


class TransferMove(NamedTuple):
    """A side of a transfer that a row tells, or takes back, beside what was seen of it."""

    transfer_id: bytes  # UUIDv7, 16 bytes
    seen: int  # revision; 0 where nobody had spoken of it
    side: Transfer
    other: Place | None
    ends: bool

    def moved(self, place: Place) -> TransferRow:
        """Return the transfer as it is once this version is stored."""
        own = None if self.ends else place
        sold, bought = (own, self.other) if self.side is Transfer.OUT else (self.other, own)
        return TransferRow(self.transfer_id, self.seen + 1, sold, bought)


class StagedTransfer(NamedTuple):
    """What a row of a file says of a transfer."""

    line: int
    keep: bool  # the row moves it on, if it is stored
    moved: TransferRow


class SealedStatement(NamedTuple):
    """What one side of a transfer said, still sealed."""

    record_id: UUID
    version: int
    member: str
    epoch: str
    indices: Sequence[bytes]  # of the identity tokens
    kek_id: str
    wrapped: bytes
    sealed: bytes


class Writing(NamedTuple):
    """What all versions of one writing share."""

    member: str
    sequence: int | None  # of the batch; None keeps each account's own
    batch_id: UUID | None
    submitted_at: int  # unix seconds


class RecordStatements(Protocol):
    """Statements about records and accounts."""

    def lock_uploads(self, member: str) -> None:
        """Let one upload of a member run after another, until the end of the transaction."""
        ...

    def accounts(self, member: str, refs: Sequence[str]) -> list[SealedAccount]:
        """Find the newest version of each of these accounts that is known."""
        ...

    def held_grants(self, member: str, asks: Sequence[GrantAsk]) -> list[HeldGrant]:
        """Find these grants of the member and hold them as they are until the end.

        They come without depth and counters, which no row is judged by.
        """
        ...

    def registered_grants(self, member: str, grant_ids: Sequence[bytes]) -> set[bytes]:
        """Say which of these grants the member has registered, for whatever subject."""
        ...

    def hold_accounts(self, member: str, versions: Sequence[NewVersion]) -> bool:
        """Hold the accounts of versions that follow others; False if one has moved on."""
        ...

    def append_versions(self, versions: Sequence[NewVersion], writing: Writing) -> None:
        """Append versions, each the current one of its record from now on."""
        ...

    def live_accounts(self, member: str, indices: Sequence[bytes]) -> int:
        """Count the member's open records under the one of these tokens that has most of them."""
        ...


class TransferStatements(Protocol):
    """Statements about transfers; the rows of a file are staged in this session."""

    def find(self, ids: Sequence[bytes]) -> list[TransferRow]:
        """Find what is known of these transfers."""
        ...

    def stated(self, places: Sequence[Place]) -> list[SealedStatement]:
        """Find these versions, unless their records were deleted or withdrawn since."""
        ...

    def keep(self, rows: Sequence[TransferRow]) -> bool:
        """Keep what moved on; False if another side has moved it since it was seen."""
        ...

    def reset(self) -> None:
        """Begin with nothing staged."""
        ...

    def stage(self, rows: Sequence[StagedTransfer]) -> None:
        """Stage what rows of a file say of transfers."""
        ...

    def refuse_repeated(self) -> None:
        """Refuse every row of a transfer of which more than one row of the file speaks."""
        ...

    def keep_staged(self) -> bool:
        """Keep what stored rows of the file moved on; False if another side was faster."""
        ...

    def forget(self, record_ids: Sequence[UUID]) -> None:
        """Take records that are removed out of their transfers, which go when both sides are."""
        ...
