"""What the services need of the store about members, keys, nonces and quotas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from exchange.domain.members import Member, MemberKey, MemberStatus, NewKey, Role
from exchange.domain.operators import change_digest
from exchange.domain.queries import Asker


class ChangeKind(StrEnum):
    """Changes of the membership, and of the operators, that take two people."""

    ENROL = "enrol"
    ROLES = "roles"
    KEY = "key"
    REACTIVATE = "reactivate"
    OPERATOR_ADD = "operator_add"
    OPERATOR_RETIRE = "operator_retire"
    PROFILE = "profile"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What somebody wants to change of a member, or of an operator."""

    kind: ChangeKind
    member: str  # or the operator's name
    details: Mapping[str, object]  # as JSON takes them; what each kind needs, change_members.py

    @property
    def digest(self) -> bytes:
        """SHA-256 of all of it: what operators sign."""
        return change_digest(self.kind.value, self.member, self.details)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A change that one operator wants, and waits for another."""

    proposal_id: UUID
    change: Change
    proposed_by: str  # the proposer's word, exchange.domain.operators
    proposed_at: int  # unix seconds
    lapses_at: int  # unix seconds


class MemberStatements(Protocol):
    """Statements about members, keys, nonces and quotas."""

    def find(self, member: str) -> Member | None:
        """Find a member."""
        ...

    def all(self) -> list[tuple[Member, list[MemberKey]]]:
        """List every member with its keys."""
        ...

    def enrol(self, member: Member, now: int) -> bool:
        """Add a member; say whether the id was free."""
        ...

    def set_status(self, member: str, status: MemberStatus) -> bool:
        """Set a member's standing; say whether there is such a member."""
        ...

    def set_roles(self, member: str, roles: frozenset[Role]) -> bool:
        """Set a member's roles; say whether there is such a member."""
        ...

    def add_proposal(self, proposal: Proposal) -> None:
        """Store a proposal."""
        ...

    def approve(self, proposal_id: UUID, by: str, now: int) -> Proposal | None:
        """Mark a proposal approved and lock it; None if it is not there to be approved."""
        ...

    def proposals(self, now: int) -> list[Proposal]:
        """List the proposals that wait for a second person."""
        ...

    def add_key(self, member: str, new: NewKey, now: int) -> bool:
        """Add a public key; say whether its name was free."""
        ...

    def revoke_key(self, member: str, key: str, now: int) -> bool:
        """Revoke a key; say whether there was a live one."""
        ...

    def profile_in_force(self) -> bytes | None:
        """Return the SHA-256 of the profile put in force last; None before there is one."""
        ...

    def put_profile_in_force(self, ref: str, sha256: bytes, now: int) -> None:
        """Say which profile is in force from now on."""
        ...

    def forget_nonces(self, before: int) -> int:
        """Delete nonces seen before a time; say how many."""
        ...

    def forget_counts(self, before: int) -> int:
        """Delete quota counters of periods that began before a time; say how many."""
        ...

    def find_key(self, member: str, key: str) -> MemberKey | None:
        """Find a key with its member's standing, live or not."""
        ...

    def spend_nonce(self, asker: Asker, now: int) -> tuple[bool, bool]:
        """Claim a nonce; say (it was fresh, the key is live)."""
        ...

    def count(self, member: str, what: str, *, period: int, amount: int, limit: int) -> bool:
        """Add to a quota counter if it stays within the limit; say whether it did."""
        ...
