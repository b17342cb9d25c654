"""What the services need of the store about members, keys, nonces and quotas."""

from __future__ import annotations

from typing import Protocol

from exchange.domain.members import Member, MemberKey, MemberStatus, NewKey
from exchange.domain.queries import Asker


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

    def add_key(self, member: str, new: NewKey, now: int) -> bool:
        """Add a public key; say whether its name was free."""
        ...

    def revoke_key(self, member: str, key: str, now: int) -> bool:
        """Revoke a key; say whether there was a live one."""
        ...

    def forget_nonces(self, before: int) -> int:
        """Delete nonces seen before a time; say how many."""
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
