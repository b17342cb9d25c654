"""What the services of watches need of the store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol
from uuid import UUID

from consent.reciprocity import Earned
from exchange.domain.findings import Velocity


class WatchKey(NamedTuple):
    """Which watch."""

    member: str
    watch_id: UUID


class SealedSeen(NamedTuple):
    """What a member was shown last, sealed under a data key of its own."""

    kek_id: str
    wrapped: bytes
    sealed: bytes


class Watch(NamedTuple):
    """A watch as it is stored."""

    key: WatchKey
    account_ref: str
    purpose: str
    grant_id: UUID
    kinds: tuple[str, ...]
    digest: bytes
    made_at: int  # unix seconds
    expires_at: int
    look_at: int
    ended_at: int | None
    ended_cause: str | None
    tokens: tuple[bytes, ...]  # of its account, primary first; () once it has ended
    seen: SealedSeen | None  # None once it has ended


class WatchToken(NamedTuple):
    """A token that is watched, and the log's pseudonym of it."""

    token_index: bytes
    subject: str


class WatchStatements(Protocol):
    """Statements about watches."""

    def find(self, key: WatchKey, *, lock: bool = False) -> Watch | None:
        """Find a watch; with `lock`, hold it as it is until the end."""
        ...

    def take(self, key: WatchKey, now: int) -> Watch | None:
        """Hold a live watch that is due; None where it is not, or another holds it."""
        ...

    def add(self, watch: Watch, tokens: Sequence[WatchToken], live_max: int) -> bool:
        """Store a watch; False where its member has as many as it may have.

        Raises:
            WatchConflict: the member's other request stored one of this id a moment ago.
        """
        ...

    def listed(self, member: str, after: UUID | None, rows: int) -> list[Watch]:
        """List a member's watches in the order of their ids."""
        ...

    def keep(self, watch: Watch) -> None:
        """Store how a held watch stands now."""
        ...

    def end(self, watch: Watch) -> None:
        """Store the end of a held watch; its tokens and what was seen are forgotten."""
        ...

    def retoken(self, key: WatchKey, tokens: Sequence[WatchToken]) -> None:
        """Watch these tokens and no others."""
        ...

    def account(self, member: str, account_ref: str) -> tuple[bytes, ...]:
        """Return the tokens of the member's open account, primary first; none if there is none."""
        ...

    def velocity(self, member: str, indices: Sequence[bytes], now: int) -> Velocity:
        """Count the other members that asked about new credit lately."""
        ...

    def earned(self, member: str, now: int) -> Earned:
        """Say how deep the member's own contribution lets a look go."""
        ...

    def successor(self, member: str, grant_id: UUID) -> UUID | None:
        """Find the active grant that took the place of a superseded one."""
        ...

    def touch_staged(self, member: str) -> None:
        """Note the watched tokens under which the file of this session stores something."""
        ...

    def begin_marking(self) -> bool:
        """Let one process mark at a time, until the end of the transaction; say whether it may."""
        ...

    def mark_touched(self, touches_max: int) -> int:
        """Let watches of tokens that files touched be due; say how many touches that took."""
        ...

    def mark_logged(self, leaves_max: int) -> int:
        """Let watches of subjects that the log tells of be due; say how many leaves were read."""
        ...

    def due(self, now: int, rows: int) -> list[WatchKey]:
        """List live watches that are due, those first to which something happened."""
        ...

    def forget(self, ended_before: int) -> None:
        """Forget watches that ended before this time."""
        ...
