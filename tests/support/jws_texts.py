"""Write compact JWS for tests, with any header at all."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from exchange.domain.members import Algorithm, MemberKey, MemberStatus

TYPE = "cx-receipt+jwt"
KID = "member-a/k1"
NOW = 1_790_000_000
KEY = Ed25519PrivateKey.generate()
P256 = generate_private_key(SECP256R1())
GOOD_HEADER = {"alg": "EdDSA", "kid": KID, "typ": TYPE}


def segment(raw: bytes) -> str:
    """Write unpadded base64url."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def make(header: Mapping[str, object] | bytes, payload: bytes = b"{}") -> str:
    """Sign a JWS whose header may be anything."""
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    signing_input = f"{segment(raw)}.{segment(payload)}"
    return f"{signing_input}.{segment(KEY.sign(signing_input.encode()))}"


def member_key(algorithm: Algorithm) -> MemberKey:
    """Return a registered key of one of the two algorithms."""
    return MemberKey(
        member="member-a",
        key="k1",
        algorithm=algorithm,
        public_key=KEY.public_key().public_bytes_raw()
        if algorithm is Algorithm.ED25519
        else P256.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint),
        not_before=0,
        not_after=NOW * 2,
        revoked_at=None,
        status=MemberStatus.ACTIVE,
        roles=frozenset(),
    )
