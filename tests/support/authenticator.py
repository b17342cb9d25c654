"""A passkey in software: makes keys and signs as a device does, or with one flaw.

Written from WebAuthn level 2, section 6, and RFC 9053; it shares no code with what it is held to.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field, replace

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256

USER_PRESENT = 0x01
USER_VERIFIED = 0x04
_ATTESTED = 0x40
PAGES = "http://localhost:8420"


@dataclass(slots=True, kw_only=True)
class Authenticator:
    """One device with one passkey. Each field is what the device says, true or not."""

    origin: str = PAGES
    rp_id: str = "localhost"
    flags: int = USER_PRESENT | USER_VERIFIED
    framed: bool = False
    count: int = 0
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    private: EllipticCurvePrivateKey = field(
        default_factory=lambda: generate_private_key(SECP256R1())
    )

    def but(self, **changes: object) -> Authenticator:
        """Return the same device with a flaw."""
        return replace(self, **changes)  # type: ignore[arg-type]  # a test names its own fields

    def create(self, challenge: str) -> str:
        """Answer `navigator.credentials.create()` as our page sends it."""
        attested = (
            bytes(16)
            + len(self.credential_id).to_bytes(2, "big")
            + self.credential_id
            + self._cose_key()
        )
        data = self._data(_ATTESTED) + attested
        # {"fmt": "none", "attStmt": {}, "authData": data} in CBOR.
        attestation = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData" + _cbor_bytes(data)
        return json.dumps(
            {
                "id": _text(self.credential_id),
                "clientDataJSON": _text(self._client_data("webauthn.create", challenge)),
                "attestationObject": _text(attestation),
            }
        )

    def sign(self, challenge: str) -> str:
        """Answer `navigator.credentials.get()` as our page sends it."""
        self.count += 1
        client_data = self._client_data("webauthn.get", challenge)
        data = self._data(0)
        signed = data + hashlib.sha256(client_data).digest()
        return json.dumps(
            {
                "id": _text(self.credential_id),
                "clientDataJSON": _text(client_data),
                "authenticatorData": _text(data),
                "signature": _text(self.private.sign(signed, ECDSA(SHA256()))),
            }
        )

    def _client_data(self, kind: str, challenge: str) -> bytes:
        told: dict[str, object] = {
            "type": kind,
            "challenge": challenge,
            "origin": self.origin,
            "crossOrigin": self.framed,
        }
        return json.dumps(told, separators=(",", ":")).encode()

    def _data(self, more: int) -> bytes:
        site = hashlib.sha256(self.rp_id.encode()).digest()
        return site + bytes([self.flags | more]) + self.count.to_bytes(4, "big")

    def _cose_key(self) -> bytes:
        numbers = self.private.public_key().public_numbers()
        x, y = (part.to_bytes(32, "big") for part in (numbers.x, numbers.y))
        # {1: 2 (EC2), 3: -7 (ES256), -1: 1 (P-256), -2: x, -3: y}
        return b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20" + x + b"\x22\x58\x20" + y


def _cbor_bytes(value: bytes) -> bytes:
    return b"\x59" + len(value).to_bytes(2, "big") + value


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
