"""A file to work off, wherever its bytes lie."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from exchange.services.batches.ports import BatchKey, BatchRow, BatchState


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A file to work off."""

    key: BatchKey
    signed_by: str  # the member's key
    received_at: int  # unix seconds
    sent_bytes: int
    sent: Callable[[], Iterable[bytes]]  # the file as it was sent, from its start
    digest: bytes  # SHA-256 of the unpacked file, as its sender announced it
    tell: Callable[[BatchState, int, int], None]  # state, rows, and how many of them are done

    def row(self) -> BatchRow:
        """Return what a member sees of a file that nothing else is known of."""
        return BatchRow(
            batch_id=self.key.batch_id,
            digest=self.digest,
            sequence=0,
            state=BatchState.QUEUED.value,
            kind="",
            rows=0,
            rows_done=0,
            faults=0,
            received_at=self.received_at,
            received_bytes=self.sent_bytes,
            total_bytes=self.sent_bytes,
            started_at=None,
            key=self.signed_by,
            leaf_hash=None,
            receipt="",
            refusal="",
            refusal_field="",
            refusal_detail="",
        )
