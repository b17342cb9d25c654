"""The exchange's side of signed messages, for the fake: strict about the one form of this protocol.

Written apart from `signing.py`, so that the SDK's requests are read by other code than wrote them.
Source: the wire protocol, section 2; RFC 9421.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import httpx2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from exchange_client.core.encoding import JSON, loads_object, unb64url
from exchange_client.keys import KeyFile
from exchange_client.testing.refusals import Answered, Refusal

AGE_SECONDS_MAX: Final = 60
AHEAD_SECONDS_MAX: Final = 30
_INPUT = re.compile(
    r"([a-z][a-z0-9]*)=(\(([^()]*)\);created=(\d{1,15});nonce=\"([^\"]{22,128})\""
    r";keyid=\"([a-z0-9][a-z0-9_-]{1,38}/[A-Za-z0-9_.-]{1,24})\""
    r";alg=\"(ed25519|ecdsa-p256-sha256)\";tag=\"cx-1-request\")"
)
_SIGNATURE = re.compile(r"([a-z][a-z0-9]*)=(:[A-Za-z0-9+/=]+:)")
_ALGORITHM_BY_BYTES: Final = {32: "ed25519", 65: "ecdsa-p256-sha256"}
_CONTENT: Final = ('"content-digest"', '"content-type"')

FindKey = Callable[[str], bytes | None]  # keyid -> public key


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who sent a request, as its signature showed."""

    member: str
    keyid: str
    nonce: str
    method: str
    target_uri: str
    content_digest: str | None
    label: str
    signature: str  # `:…:`


def authenticate(request: httpx2.Request, base: str, find_key: FindKey, now: int) -> Caller:
    """Verify a request: form, time, key, signature, digest.

    Raises:
        Refusal: 401, for whatever is wrong.
    """
    signature_input = _INPUT.fullmatch(request.headers.get("signature-input", ""))
    signature = _SIGNATURE.fullmatch(request.headers.get("signature", ""))
    if signature_input is None or signature is None or signature_input[1] != signature[1]:
        raise Refusal(401, "auth.signature")
    label, params, listed, created, nonce, keyid, algorithm = signature_input.groups()
    components = listed.split(" ")
    needed = {'"@method"', '"@target-uri"', *(_CONTENT if request.content else ())}
    if set(components) != needed or len(components) != len(needed):
        raise Refusal(401, "auth.coverage")
    if not -AGE_SECONDS_MAX <= int(created) - now <= AHEAD_SECONDS_MAX:
        raise Refusal(401, "auth.stale")
    values = _values(request, base)
    lines = "".join(f"{name}: {values[name]}\n" for name in components)
    message = f'{lines}"@signature-params": {params}'.encode()
    public_key = find_key(keyid)
    if public_key is None or _ALGORITHM_BY_BYTES[len(public_key)] != algorithm:
        raise Refusal(401, "auth.signature")
    if not _holds(public_key, b64decode(signature[2][1:-1]), message):
        raise Refusal(401, "auth.signature")
    if request.content and values['"content-digest"'] != digest_of(request.content):
        raise Refusal(401, "auth.digest")
    return Caller(
        member=keyid.partition("/")[0],
        keyid=keyid,
        nonce=nonce,
        method=request.method,
        target_uri=values['"@target-uri"'],
        content_digest=values['"content-digest"'] if request.content else None,
        label=label,
        signature=signature[2],
    )


def signed_headers(answered: Answered, caller: Caller, key: KeyFile, now: int) -> dict[str, str]:
    """Sign a response over itself and the request it answers; return all of its headers."""
    lines = [('"@status"', str(answered.status))]
    content = {}
    if answered.body:
        digest = digest_of(answered.body)
        content = {"Content-Digest": digest, "Content-Type": answered.content_type}
        lines += [('"content-digest"', digest), ('"content-type"', answered.content_type)]
    lines += [('"@method";req', caller.method), ('"@target-uri";req', caller.target_uri)]
    if caller.content_digest is not None:
        lines.append(('"content-digest";req', caller.content_digest))
    lines.append((f'"signature";req;key="{caller.label}"', caller.signature))
    covered = " ".join(name for name, _ in lines)
    params = f'({covered});created={now};keyid="{key.keyid}";alg="ed25519";tag="cx-1-response"'
    text = "".join(f"{name}: {value}\n" for name, value in lines)
    signature = _sign(key, f'{text}"@signature-params": {params}'.encode())
    return {
        **content,
        **answered.headers,
        "Signature-Input": f"sig={params}",
        "Signature": f"sig=:{b64encode(signature).decode()}:",
    }


def open_artefact(text: str, typ: str, find_key: FindKey) -> dict[str, JSON]:
    """Verify a member's JWS and return its claims.

    Raises:
        ValueError: another kind, an unknown key, or the signature does not hold.
    """
    parts = text.split(".")
    if len(parts) != 3:
        raise ValueError("not a compact JWS")
    header, claims = (loads_object(unb64url(part)) for part in parts[:2])
    public_key = find_key(str(header.get("kid")))
    if header.get("typ") != typ or public_key is None:
        raise ValueError("not a JWS of this kind and member")
    if not _holds(public_key, unb64url(parts[2]), ".".join(parts[:2]).encode()):
        raise ValueError("the signature does not hold")
    return claims


def digest_of(body: bytes) -> str:
    """Return the Content-Digest header of a body (RFC 9530, sha-256)."""
    return f"sha-256=:{b64encode(hashlib.sha256(body).digest()).decode()}:"


def _values(request: httpx2.Request, base: str) -> Mapping[str, str]:
    return {
        '"@method"': request.method,
        '"@target-uri"': base + request.url.raw_path.decode(),
        '"content-digest"': request.headers.get("content-digest", ""),
        '"content-type"': request.headers.get("content-type", ""),
    }


def _sign(key: KeyFile, message: bytes) -> bytes:
    if not isinstance(key.private, Ed25519PrivateKey):
        raise TypeError("the fake signs with Ed25519")
    return key.private.sign(message)


def _holds(public_key: bytes, signature: bytes, message: bytes) -> bool:
    if len(signature) != 64:
        return False
    try:
        if len(public_key) == 32:
            Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
        else:
            point = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), public_key)
            r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
            point.verify(encode_dss_signature(r, s), message, ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True
