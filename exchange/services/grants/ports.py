"""What the services need of the store about grants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol
from uuid import UUID

from consent.grants import Actor, GrantEvent, GrantState, HeldGrant
from exchange.domain.outward.statuses import Place


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
    chain_id: UUID  # its own id, or that of the first grant of the chain it renews
    status_draws: tuple[int, ...]  # places in the status list, of which the first free is taken

    def stored(self, leaf_hash: bytes, place: Place, now: int) -> StoredGrant:
        """Return the grant as it is stored by this leaf, at this place of the status lists."""
        requested = self.held.state is GrantState.REQUESTED
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
            chain_id=self.chain_id,
            last=LastEvent(
                event_id=self.grant_id,
                event=GrantEvent.REQUEST if requested else GrantEvent.REGISTER,
                actor=Actor.GRANTEE,
            ),
            place=place,
        )


class LastEvent(NamedTuple):
    """The newest step of a grant that moved it."""

    event_id: UUID
    event: GrantEvent
    actor: Actor


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
    chain_id: UUID
    last: LastEvent
    place: Place | None  # in the status lists; None: registered before there were any


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


class Binding(NamedTuple):
    """A grant's token in one epoch."""

    epoch: str
    token_index: bytes


class SealedLook(NamedTuple):
    """A leaf as the log keeps it, its audit slot sealed."""

    origin: str
    leaf_hash: bytes
    key_id: str
    kek_id: str
    wrapped: bytes
    audit_sealed: bytes


class KeptArtefact(NamedTuple):
    """An artefact as it is kept, for the nightly check."""

    grant_id: UUID
    kid: str
    registered_at: int


class Registered(NamedTuple):
    """A grant of evidence level 1, and whether its evidence was asked for."""

    grant_id: UUID
    asked: bool


class GrantStatements(Protocol):
    """Statements about grants."""

    def register(self, grant: NewGrant, leaf_hash: bytes, now: int) -> Place:
        """Store row, artefact and binding; return the grant's place in the status lists.

        Raises:
            GrantConflict: the grant id was stored meanwhile, or every drawn place was taken.
        """
        ...

    def find(self, grantee: str, grant_id: UUID, *, lock: bool = False) -> StoredGrant | None:
        """Find a grant of this grantee; with `lock`, hold its rows until the end."""
        ...

    def bindings(self, grantee: str, grant_id: UUID) -> list[Binding]:
        """List a grant's tokens, the oldest epoch first."""
        ...

    def rebind(self, stored: StoredGrant, binding: Binding, now: int) -> None:
        """Move a locked grant, its counters with it, to the subject's token of another epoch."""
        ...

    def move(self, stored: StoredGrant, state: GrantState, expires: int) -> None:
        """Move a locked grant to another state, or to another end."""
        ...

    def add_event(self, event: GrantEventRow) -> None:
        """Append to the history."""
        ...

    def events(self, grantee: str, grant_id: UUID) -> list[GrantEventRow]:
        """List a grant's history, oldest first."""
        ...

    def looks(self, grantee: str, subjects: Sequence[str]) -> list[SealedLook]:
        """List the permitted looks of a member at subjects, oldest first."""
        ...

    def registration(self, leaf_hash: bytes) -> SealedLook | None:
        """Find the leaf of a registration, its audit slot sealed."""
        ...

    def kept(self, grantee: str, after: UUID, rows_max: int) -> list[KeptArtefact]:
        """List artefacts of a member after an id, in the order of ids."""
        ...

    def registered(self, grantee: str, first: int, end: int) -> list[Registered]:
        """List what a member registered at evidence level 1 between two times."""
        ...

    def unshown(self, asked_until: int) -> list[tuple[str, UUID]]:
        """List grants, with their grantees, whose evidence was asked for by then and not shown."""
        ...

    def claim_evidence(self, grant: NewGrant, sha256: bytes, bundle: str) -> bool:
        """Let a grant stand on evidence; say whether no other does, but in its bundle."""
        ...

    def withdrawn_at(self, token_index: bytes, grantee: str, purpose: str) -> int | None:
        """Say when the subject last withdrew from this grantee for this purpose."""
        ...

    def suppress_records(self, stored: StoredGrant) -> int:
        """Take the records that rest on a grant's chain out of every answer; say how many.

        It numbers itself, so that a file that did not see it does the same to its rows. Beside
        whoever holds the grantee's versions it withholds them from looks, and waits for nobody.
        """
        ...

    def last_suppression(self, grantee: str) -> int:
        """Return the number of the newest of this grantee's suppressions; 0 if there is none."""
        ...

    def hold_versions(self, grantee: str) -> None:
        """Let suppressions do no more than withhold this grantee's records, until the end.

        Whoever writes to versions that others see holds them first.
        """
        ...

    def suppress_since(self, grantee: str, n: int) -> int:
        """Do to this transaction's rows what later suppressions did to those that they saw.

        From here until the end of the transaction the grantee's suppressions wait.
        """
        ...
