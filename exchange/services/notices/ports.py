"""What the services need of the store about notices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from consent.notices import Notice, NoticeKind, RegisteredNotice


class NoticeKey(NamedTuple):
    """What names one text."""

    notice_id: str
    version: str
    lang: str


class NoticeRow(NamedTuple):
    """A notice as the registry lists it."""

    key: NoticeKey
    kind: str
    jurisdiction: str
    purpose: str
    sha256: bytes
    registered_at: int
    retired_at: int | None
    approvers: tuple[str, ...]


class NoticeStatements(Protocol):
    """Statements about notices."""

    def register(self, notice: Notice, document: bytes, approvers: Sequence[str], now: int) -> bool:
        """Store a notice and who approves it; say whether id, version and language were free."""
        ...

    def register_each(
        self, texts: Sequence[tuple[Notice, bytes]], approvers: Sequence[str], now: int
    ) -> None:
        """Store notices with their documents, and who approves them all; known ones stay."""
        ...

    def approve(self, key: NoticeKey, approver: str, now: int) -> bool:
        """Store an approval; say whether it is a new one."""
        ...

    def retire(self, key: NoticeKey, at: int) -> bool:
        """Set the time from which no new artefact may name it; say whether there is such one."""
        ...

    def find(self, key: NoticeKey) -> NoticeRow | None:
        """Find one notice."""
        ...

    def registered(self, key: NoticeKey) -> RegisteredNotice | None:
        """Find what an artefact's notice is held against."""
        ...

    def templates(self, kind: NoticeKind, jurisdiction: str) -> dict[str, int | None]:
        """Return when each approved notice was retired, None where it was not, by `id:version`."""
        ...

    def document(self, sha256: bytes) -> bytes | None:
        """Find a document by its digest."""
        ...

    def all(self) -> list[NoticeRow]:
        """List every notice, by id, version and language."""
        ...
