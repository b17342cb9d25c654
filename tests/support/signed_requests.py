"""Write signed requests for tests, whole or with any part of them wrong.

Apart from server and SDK, so that neither is tested with its own code.
"""

from __future__ import annotations

import hashlib
import secrets
from base64 import b64encode
from dataclasses import dataclass
from typing import TypeAlias

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    derive_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

PrivateKey: TypeAlias = Ed25519PrivateKey | EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A request about to be signed; `dataclasses.replace` makes each wrong one."""

    method: str = "POST"
    target_uri: str
    created: int
    body: bytes = b""
    content_type: str | None = None
    keyid: str = "member-a/k1"
    algorithm: str = "ed25519"
    nonce: str = ""  # a fresh one where empty
    tag: str = "cx-1-request"
    label: str = "sig"
    expires: int | None = None
    components: tuple[str, ...] | None = None  # those the protocol asks for where None
    content_digest: str | None = None  # that of the body where None


def key_of_text(seed_text: str, algorithm: str = "ed25519") -> PrivateKey:
    """Return the key that a public text stands for."""
    seed = hashlib.sha256(seed_text.encode()).digest()
    if algorithm == "ed25519":
        return Ed25519PrivateKey.from_private_bytes(seed)
    return derive_private_key(int.from_bytes(seed, "big"), SECP256R1())


def sign(key: PrivateKey, message: bytes) -> bytes:
    """Sign a message: 64 bytes."""
    if isinstance(key, Ed25519PrivateKey):
        return key.sign(message)
    r, s = decode_dss_signature(key.sign(message, ECDSA(SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def digest_of(body: bytes) -> str:
    """Return the Content-Digest of a body."""
    return f"sha-256=:{b64encode(hashlib.sha256(body).digest()).decode()}:"


def signed_headers(draft: Draft, key: PrivateKey) -> dict[str, str]:
    """Return every header of the signed request, the content headers included."""
    values = {"@method": draft.method, "@target-uri": draft.target_uri}
    content: dict[str, str] = {}
    if draft.body or draft.content_digest is not None:
        content["Content-Digest"] = draft.content_digest or digest_of(draft.body)
    if draft.content_type is not None:
        content["Content-Type"] = draft.content_type
    values |= {name.lower(): value for name, value in content.items()}
    components = tuple(values) if draft.components is None else draft.components
    covered = " ".join(f'"{name}"' for name in components)
    params = f"({covered});created={draft.created}"
    if draft.expires is not None:
        params += f";expires={draft.expires}"
    params += f';nonce="{draft.nonce or secrets.token_urlsafe(18)}";keyid="{draft.keyid}"'
    params += f';alg="{draft.algorithm}";tag="{draft.tag}"'
    lines = "".join(f'"{name}": {values.get(name, "")}\n' for name in components)
    signature = sign(key, f'{lines}"@signature-params": {params}'.encode())
    return {
        **content,
        "Signature-Input": f"{draft.label}={params}",
        "Signature": f"{draft.label}=:{b64encode(signature).decode()}:",
    }
