"""What became of judged rows: each is refused, changes something, repeats it, or comes too late."""

from __future__ import annotations

from msgspec import Struct

from exchange.domain.records import RecordPayload
from exchange.domain.rows import AnyRow, Flaw, StoredRecord, rejects
from exchange.services.records.ports import TransferMove


class Change(Struct, frozen=True, gc=False):
    """What an accepted row does: the next version of a record, or the first of a new one."""

    row: AnyRow
    epoch: str  # of the indices
    indices: tuple[bytes, ...]  # of the identity tokens, primary first
    grant_id: bytes | None  # UUIDv7, 16 bytes
    continues: StoredRecord | None
    leaves: tuple[str, StoredRecord] | None  # the account that it stood under before, if another
    disputed: bool
    payload: RecordPayload
    transfers: tuple[TransferMove, ...] = ()


class Verdict(Struct, frozen=True, gc=False):
    """What became of one row: it is refused, changes something, repeats it, or comes too late."""

    line: int
    row: AnyRow | None  # None where its form could not be read
    flaws: list[Flaw]
    change: Change | None = None
    unchanged: StoredRecord | None = None  # what is stored says the same
    indices: tuple[bytes, ...] = ()  # of the identity tokens of a row that is right by itself
    grant_id: bytes | None = None  # UUIDv7, 16 bytes: that the row names, if so

    @property
    def refused(self) -> bool:
        """Tell whether the row is faulty."""
        return bool(self.flaws) and rejects(self.flaws)
