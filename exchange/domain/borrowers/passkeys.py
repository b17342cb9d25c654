"""Passkeys: a borrower's keys, and what an authenticator says when one is made or used."""

from __future__ import annotations

from dataclasses import dataclass, field

CREDENTIAL_ID_BYTES_MAX = 1_023  # WebAuthn, 4: credential id
CHALLENGE_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Passkey:
    """One passkey as the exchange knows it: it names nobody by itself."""

    credential_id: bytes  # 1 to 1,023 bytes, chosen by the authenticator
    public_key: bytes  # COSE key
    sign_count: int  # of its last use; 0 from authenticators that do not count
    made_at: int  # unix seconds
    ended_at: int | None = None  # unix seconds; a live key has none

    @property
    def live(self) -> bool:
        """Tell whether the key may still sign."""
        return self.ended_at is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Creation:
    """What an authenticator says when it makes a key; not yet checked."""

    credential_id: bytes
    client_data: bytes  # JSON, byte for byte
    attestation: bytes = field(repr=False)  # CBOR


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """What an authenticator says when a key signs; not yet checked."""

    credential_id: bytes
    client_data: bytes  # JSON, byte for byte: it holds the challenge and the origin
    authenticator_data: bytes
    signature: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RelyingParty:
    """For whom a passkey signs: the site of the hosted pages."""

    id: str  # host name, such as pages.exchange.example
    origin: str  # scheme, host and port
