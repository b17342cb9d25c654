"""What erasing openings needs of the world."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from exchange.services.log.ports import LogWork
from exchange.services.ports import Ports


class KeyToShred(NamedTuple):
    """A key that openings are sealed under, named so that nobody reads whose it was."""

    key_id: str
    fingerprint: str  # SHA-256 of the key's id and its wrapped form, hex


class ErasureStatements(Protocol):
    """Statements about openings and the keys that open them."""

    def keys_of_subject(self, subject: str) -> list[KeyToShred]:
        """Find and lock the keys of a subject, of every quarter."""
        ...

    def keys_of_quarter(self, quarter: str) -> list[KeyToShred]:
        """Find and lock the keys of a quarter, of every subject and of none."""
        ...

    def keys_listed(self, fingerprints: Collection[str]) -> list[KeyToShred]:
        """Find and lock those keys that stand in the list of shredded ones."""
        ...

    def indices(self, key_ids: Sequence[str], log_id: int) -> list[int | None]:
        """Say where in a log the leaves stand that these keys open; None: not yet numbered."""
        ...

    def shred(self, key_ids: Sequence[str]) -> int:
        """Delete keys, openings, search rows and stored answers; say how many keys there were."""
        ...

    def forget_seen(self, subject: str) -> None:
        """Forget what watches of a subject were shown last."""
        ...


class ErasingWork(LogWork, Protocol):
    """A unit of work that may erase."""

    @property
    def erasure(self) -> ErasureStatements:
        """Statements about openings and their keys."""
        ...


class ShredList(Protocol):
    """The list of shredded keys, kept outside every dump."""

    def add(self, fingerprints: Sequence[str]) -> None:
        """Append, durably."""
        ...

    def all(self) -> frozenset[str]:
        """Read the whole list."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasePorts:
    """Everything that erasing may touch."""

    ports: Ports
    begin: Callable[[], AbstractContextManager[ErasingWork]]
    shredded: ShredList
