"""Events: the closed list of what a member is told, and the form in which it waits to be read.

An event is written in the transaction of what it tells. Its facts name nothing of a borrower; what
does (bands) is sealed under the subject's key of the quarter, so that erasure takes it along.
Source: consent.md, 8; records.md, 4 and 7.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple
from uuid import UUID

from consent.grants import GrantEvent


class EventKind(StrEnum):
    """What a member is told."""

    GRANT_ACCEPTED = "GRANT_ACCEPTED"
    GRANT_REJECTED = "GRANT_REJECTED"
    GRANT_PAUSED = "GRANT_PAUSED"
    GRANT_RESUMED = "GRANT_RESUMED"
    GRANT_WITHDRAWN = "GRANT_WITHDRAWN"
    GRANT_REVOKED = "GRANT_REVOKED"
    GRANT_INVALIDATED = "GRANT_INVALIDATED"
    GRANT_EXPIRING = "GRANT_EXPIRING"
    GRANT_EVIDENCE_ASKED = "GRANT_EVIDENCE_ASKED"
    RECORD_CORRECTED = "RECORD_CORRECTED"
    ENTERED_ARREARS = "ENTERED_ARREARS"
    BUCKET_UP = "BUCKET_UP"
    BUCKET_DOWN = "BUCKET_DOWN"
    CURED = "CURED"
    NEW_LENDER = "NEW_LENDER"
    MANY_QUERIES = "MANY_QUERIES"
    DISPUTE_CHANGED = "DISPUTE_CHANGED"
    GRADE_CHANGED = "GRADE_CHANGED"
    WATCH_ENDED = "WATCH_ENDED"
    WEBHOOK_DISABLED = "WEBHOOK_DISABLED"
    DEPTH_ANNOUNCED = "DEPTH_ANNOUNCED"

    @property
    def type(self) -> str:
        """The kind as CloudEvents write it: `cx.grant.withdrawn`, `cx.watch.bucket_up`."""
        noun, _, what = self.value.lower().partition("_")
        plain = noun in {"grant", "record", "watch", "webhook", "depth"}
        return f"cx.{noun}.{what}" if plain else f"cx.watch.{self.value.lower()}"

    @property
    def of_watch(self) -> bool:
        """Whether it is told because of a watch."""
        return self.type.startswith("cx.watch.")


# What a grant's history says, as its grantee is told. What the grantee itself asks for, registers
# or renews is no news to it.
GRANT_KINDS: Mapping[str, EventKind] = MappingProxyType(
    {
        GrantEvent.ACCEPT: EventKind.GRANT_ACCEPTED,
        GrantEvent.REFUSE: EventKind.GRANT_REJECTED,
        GrantEvent.PAUSE: EventKind.GRANT_PAUSED,
        GrantEvent.RESUME: EventKind.GRANT_RESUMED,
        GrantEvent.WITHDRAW: EventKind.GRANT_WITHDRAWN,
        GrantEvent.REVOKE: EventKind.GRANT_REVOKED,
        GrantEvent.INVALIDATE: EventKind.GRANT_INVALIDATED,
        GrantEvent.ASK_EVIDENCE: EventKind.GRANT_EVIDENCE_ASKED,
    }
)


class SealedBands(NamedTuple):
    """Bands of an event, sealed under the subject's opening key of a quarter."""

    key_id: str
    sealed: bytes


class NewEvent(NamedTuple):
    """An event to write in the transaction of what it tells."""

    event_id: UUID
    member: str  # who is told
    kind: EventKind
    about: UUID | None  # the grant, watch or webhook
    facts: str  # a JSON object, with nothing of a borrower in it
    made_at: int  # unix seconds
    bands: SealedBands | None = None
    once: str | None = None  # a second event under the same words is not written


class StoredBands(NamedTuple):
    """Bands as they are stored, with the key that opens them."""

    key_id: str
    kek_id: str
    wrapped: bytes
    sealed: bytes


class FeedEvent(NamedTuple):
    """An event with its place in the member's own order."""

    seq: int  # 1, 2, 3 … of this member, without gap
    event_id: UUID
    kind: EventKind
    about: UUID | None
    facts: str
    made_at: int
    bands: StoredBands | None  # None also once the key is shredded
