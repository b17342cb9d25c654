"""What writing a leaf needs of the store.

What passes between services and store by the thousand is a named tuple: it costs a tenth of a
frozen dataclass to make.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class SubjectAsk(NamedTuple):
    """A subject whose counter is to be raised in the log, and a key to use if it has none yet."""

    subject: str  # pseudonym, or "" for a leaf without a subject
    key_id: str  # of the opening key of this subject and quarter
    kek_id: str
    wrapped: bytes  # a fresh key, stored only if the subject has none in this quarter


class SubjectTurn(NamedTuple):
    """The subject's next number in the log, and the opening key that stands for the quarter."""

    seq: int
    kek_id: str
    wrapped: bytes


class LeafRow(NamedTuple):
    """One leaf as it is stored: commitments for everyone, sealed openings for the few."""

    leaf_hash: bytes
    entry: bytes  # 116 bytes
    key_id: str
    subject_sealed: bytes
    audit_sealed: bytes
    kind: str
    member: str
    subject: str
    purpose: str
    outcome: str
    operator_mac: bytes
    application_mac: bytes


class LogStatements(Protocol):
    """Statements by which every other use case writes its leaves."""

    def open_subjects(self, asks: Sequence[SubjectAsk], *, log_id: int) -> list[SubjectTurn]:
        """Raise the counters (locking them) and fetch the opening keys."""
        ...

    def find_log(self, origin: str) -> int | None:
        """Find the open log of this name."""
        ...

    def append(self, leaves: Sequence[LeafRow], *, log_id: int, now: int) -> None:
        """Write leaves, openings and search rows."""
        ...
