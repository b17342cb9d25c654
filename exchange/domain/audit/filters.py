"""What a regulator searches by, and where the pages of a search stand."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from exchange.domain.leaves import JsonValue
from exchange.errors import InvalidCursor


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which leaves are wanted; what is None does not narrow."""

    member: str | None = None
    subject: str | None = None  # a pseudonym that was released to this authority
    purpose: str | None = None
    operator: str | None = None
    outcome: str | None = None
    kind: str | None = None
    flag: str | None = None  # a rule: the leaves that its flags name as hits
    index: int | None = None  # of the one leaf that is wanted
    since: int | None = None  # unix seconds, the first that counts
    until: int | None = None  # unix seconds, the first that does not

    def payload(self) -> dict[str, JsonValue]:
        """Return what narrows, as it is hashed into the leaf of the read."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where a search goes on. It reflects one checkpoint from its first page to its last."""

    after: int  # index of the last row shown, -1 before the first
    size: int  # of the checkpoint
    total: int  # rows that match, below that size

    def text(self) -> str:
        """Write it into a cursor."""
        return f"{self.after}:{self.size}:{self.total}"

    @classmethod
    def read(cls, text: str) -> Position:
        """Read it out of a cursor, whose MAC says that we wrote it."""
        parts = text.split(":")
        if len(parts) != 3:
            raise InvalidCursor(field="cursor")
        after, size, total = map(int, parts)
        return cls(after=after, size=size, total=total)
