"""What the services of records need of the store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol, TypeAlias
from uuid import UUID

from msgspec import Struct

from consent.grants import HeldGrant


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

    def append_versions(self, versions: Sequence[NewVersion], writing: Writing) -> None:
        """Append versions, each the current one of its record from now on."""
        ...

    def live_accounts(self, member: str, indices: Sequence[bytes]) -> int:
        """Count the member's open records under the one of these tokens that has most of them."""
        ...
