"""What the services need of the store about grants."""

from __future__ import annotations

from typing import NamedTuple, Protocol
from uuid import UUID

from consent.grants import GrantState, HeldGrant


class NewGrant(NamedTuple):
    """A grant to register: its row, bound to its subject, and the artefact byte for byte."""

    grant_id: UUID
    token_index: bytes
    epoch: str
    held: HeldGrant
    artefact: bytes
    digest: bytes  # SHA-256 of the artefact
    kid: str
    policy: str  # profile and version that judged it

    def stored(self, leaf_hash: bytes, now: int) -> StoredGrant:
        """Return the grant as it is stored by this leaf."""
        return StoredGrant(
            grant_id=self.grant_id,
            token_index=self.token_index,
            epoch=self.epoch,
            held=self.held,
            artefact=self.artefact,
            digest=self.digest,
            policy=self.policy,
            registered_at=now,
            leaf_hash=leaf_hash,
        )


class StoredGrant(NamedTuple):
    """A registered grant, its row locked if it was fetched to change it."""

    grant_id: UUID
    token_index: bytes
    epoch: str
    held: HeldGrant
    artefact: bytes  # as it was signed
    digest: bytes
    policy: str
    registered_at: int
    leaf_hash: bytes  # of the registration


class GrantEventRow(NamedTuple):
    """One step of a grant's append-only history."""

    event_id: UUID
    grantee: str
    grant_id: UUID
    event: str
    actor: str
    state: str
    reason: str
    acted_at: int
    effective_at: int
    leaf_hash: bytes


class GrantStatements(Protocol):
    """Statements about grants."""

    def register(self, grant: NewGrant, leaf_hash: bytes, now: int) -> None:
        """Store row and artefact.

        Raises:
            GrantConflict: the grant id was stored meanwhile.
        """
        ...

    def find(self, grantee: str, grant_id: UUID, *, lock: bool = False) -> StoredGrant | None:
        """Find a grant of this grantee; with `lock`, hold its row until the end."""
        ...

    def set_state(
        self, token_index: bytes, grantee: str, grant_id: UUID, state: GrantState
    ) -> None:
        """Move a locked grant to another state."""
        ...

    def add_event(self, event: GrantEventRow) -> None:
        """Append to the history."""
        ...

    def withdrawn_at(self, token_index: bytes, grantee: str, purpose: str) -> int | None:
        """Say when the subject last withdrew from this grantee for this purpose."""
        ...

    def suppress_records(self, token_index: bytes, member: str, grant_id: UUID) -> int:
        """Take the records that rest on a grant out of every answer; say how many."""
        ...
