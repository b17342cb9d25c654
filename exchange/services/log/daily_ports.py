"""What the log's daily leaves need of the store: counts of a day, and the lines of its index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from exchange.domain.log.index import IndexPart, SubjectLine


class Usage(NamedTuple):
    """What a member did in a day."""

    member: str
    evaluations: int  # blinded elements
    queries: int
    rows: int  # of record files
    proofs: int  # that it fetched


class KeptIndex(NamedTuple):
    """An index whose lines are kept, and the leaf that names its root."""

    day: str
    leaf_hash: bytes
    leaf_index: int


class KeptLines(NamedTuple):
    """The part of an index that a subject's line would stand in."""

    number: int
    lines: bytes


class DailyStatements(Protocol):
    """Statements about what the log says once a day."""

    def usage(self, first: int, end: int) -> list[Usage]:
        """Count what each member did between two times."""
        ...

    def subject_lines(self, log_id: int, *, size: int) -> list[SubjectLine]:
        """Count the leaves about each subject in a tree of this size."""
        ...

    def keep_index(self, log_id: int, day: str, parts: Sequence[IndexPart]) -> None:
        """Keep the lines of a day's index in the place of all but the newest one before it."""
        ...

    def newest_index(self, log_id: int, *, size: int) -> KeptIndex | None:
        """Find the newest index whose leaf stands in a tree of this size."""
        ...

    def index_lines(self, log_id: int, day: str, subject: str) -> KeptLines | None:
        """Fetch the part of an index that a subject's line would stand in."""
        ...

    def index_roots(self, log_id: int, day: str) -> list[bytes]:
        """List the roots of the parts of an index, in order."""
        ...

    def claim(self, kind: str, day: str, member: str) -> bool:
        """Claim a day's leaf; say whether nobody wrote it before."""
        ...

    def written(self, kind: str, day: str, member: str, leaf_hash: bytes) -> None:
        """Say which leaf it became."""
        ...
