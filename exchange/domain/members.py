"""Members, their roles and the public halves of their keys."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a member may do here; a member holds one or more."""

    CONTRIBUTOR = "contributor"
    ASKER = "asker"
    REGULATOR = "regulator"
    EVALUATOR = "evaluator"


class Algorithm(StrEnum):
    """Signature algorithms of member keys, by their RFC 9421 names."""

    ED25519 = "ed25519"
    ECDSA_P256 = "ecdsa-p256-sha256"


class MemberStatus(StrEnum):
    """Where a member stands: only an active one is heard."""

    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    RETIRED = "RETIRED"


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberKey:
    """One public key of one member. `keyid` in messages is `<member>/<key>`."""

    member: str
    key: str
    algorithm: Algorithm
    public_key: bytes  # 32 bytes (Ed25519) or 65 bytes, uncompressed point (P-256)
    not_before: int  # unix seconds, first second of validity
    not_after: int  # unix seconds, first second after validity
    revoked_at: int | None  # unix seconds
    status: MemberStatus
    roles: frozenset[Role]

    def live(self, now: int) -> bool:
        """Tell whether a request signed now under this key may be heard."""
        return (
            self.status is MemberStatus.ACTIVE
            and self.revoked_at is None
            and self.not_before <= now < self.not_after
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A lender, regulator or evaluator enrolled with this exchange."""

    member: str
    name: str
    contact: str
    status: MemberStatus
    roles: frozenset[Role]
    zone: str  # IANA time zone of the member's dates
    profile: str  # jurisdiction, such as CN


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A public key that a member handed in."""

    key: str  # the name after the slash of its keyid
    algorithm: Algorithm
    public_key: bytes  # 32 bytes (Ed25519) or 65 bytes (P-256)
    not_before: int  # unix seconds
    not_after: int  # unix seconds
