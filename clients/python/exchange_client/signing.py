"""Sign requests, verify responses, and sign and open compact JWS: the member's half.

Written apart from the exchange's own code, and held to the same vectors: who checks a receipt must
not run the prover's code. An unsigned or wrongly bound response is an outage, never an answer.
Source: the wire protocol, section 2; RFC 9421 (signatures), RFC 9530 (digest), RFC 7515 (JWS).
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from exchange_client.core.encoding import b64url, dumps, loads_object, unb64url
from exchange_client.errors import ReceiptInvalid, UnverifiedResponse
from exchange_client.keys import Algorithm, KeyFile

JWS_BYTES_MAX: Final = 8 * 1024
SERVER_BEHIND_SECONDS_MAX: Final = 30  # its clock against ours, as far as it would take our request
SERVER_AHEAD_SECONDS_MAX: Final = 60
LABEL: Final = "sig"

_JWS = re.compile(r"([A-Za-z0-9_-]{1,256})\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{86})")
_JWS_ALGORITHM = {Algorithm.ED25519: "EdDSA", Algorithm.ECDSA_P256: "ES256"}
_INPUT = re.compile(
    r"sig=(\(([^()]*)\);created=([1-9][0-9]{0,14});keyid=\"([A-Za-z0-9_.:/-]{1,64})\""
    r";alg=\"ed25519\";tag=\"cx-1-response\")"
)
_SIGNATURE = re.compile(r"sig=:([A-Za-z0-9+/]{85}[AQgw]==):")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request to sign."""

    method: str
    target_uri: str  # the exchange's public base, as pinned, with path and query
    body: bytes = field(default=b"", repr=False)
    content_type: str | None = None  # needed with a body


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRequest:
    """A signed request: the headers to send, and what the response must be bound to."""

    method: str
    target_uri: str
    created: int  # unix seconds
    content_digest: str | None
    signature: str  # `:…:`
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A response as it came in. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


def digest_of(body: bytes) -> str:
    """Return the Content-Digest header of a body."""
    return f"sha-256=:{b64encode(hashlib.sha256(body).digest()).decode()}:"


def sign_request(request: Request, key: KeyFile, *, created: int, nonce: str) -> SignedRequest:
    """Sign a request.

    Args:
        request: what will be sent, byte for byte.
        key: the member's key.
        created: unix seconds.
        nonce: at least 22 characters, never used before under this member.
    """
    lines = [("@method", request.method), ("@target-uri", request.target_uri)]
    content = _content_headers(request)
    lines += [(name.lower(), value) for name, value in content.items()]
    covered = " ".join(f'"{name}"' for name, _ in lines)
    params = (
        f'({covered});created={created};nonce="{nonce}";keyid="{key.keyid}"'
        f';alg="{key.algorithm.value}";tag="cx-1-request"'
    )
    signature = b64encode(_sign(key, _base(lines, params))).decode()
    return SignedRequest(
        method=request.method,
        target_uri=request.target_uri,
        created=created,
        content_digest=content.get("Content-Digest"),
        signature=f":{signature}:",
        headers={
            **content,
            "Signature-Input": f"{LABEL}={params}",
            "Signature": f"{LABEL}=:{signature}:",
        },
    )


def verify_response(
    response: Response, request: SignedRequest, keys: Mapping[str, bytes], *, now: int
) -> None:
    """Verify that a pinned key signed this response, to this request.

    The steps: (1) one signature in the one form, (2) over exactly what the protocol lists,
    (3) by a pinned response key, (4) made after the request and not in the future, (5) it holds,
    (6) the body is the one whose digest is signed.

    Raises:
        UnverifiedResponse: one of them fails; the response says nothing.
    """
    signed = _INPUT.fullmatch(response.headers.get("signature-input", ""))
    signature = _SIGNATURE.fullmatch(response.headers.get("signature", ""))
    if signed is None or signature is None:
        raise UnverifiedResponse("(1) the response bears no signature of the protocol's form")
    params, covered, created, kid = signed.groups()
    lines = _response_lines(response, request)
    if covered != " ".join(_quoted(name) for name, _ in lines):
        raise UnverifiedResponse("(2) the signature covers something else")
    if kid not in keys:
        raise UnverifiedResponse("(3) the response is signed under a key that is not pinned")
    earliest, latest = request.created - SERVER_BEHIND_SECONDS_MAX, now + SERVER_AHEAD_SECONDS_MAX
    if not earliest <= int(created) <= latest:
        raise UnverifiedResponse("(4) the response was signed at another time")
    if not _holds(keys[kid], b64decode(signature[1]), _base(lines, params)):
        raise UnverifiedResponse("(5) the response's signature does not hold for this request")
    if response.headers.get("content-digest") != (
        digest_of(response.body) if response.body else None
    ):
        raise UnverifiedResponse("(6) the body is not the one that was signed")


def sign_jws(payload: bytes, typ: str, key: KeyFile) -> str:
    """Sign these bytes as a compact JWS under the member's key."""
    header = dumps({"alg": _JWS_ALGORITHM[key.algorithm], "kid": key.keyid, "typ": typ})
    signing_input = f"{b64url(header)}.{b64url(payload)}"
    return f"{signing_input}.{b64url(_sign(key, signing_input.encode()))}"


def open_jws(
    text: str, typ: str, keys: Mapping[str, bytes], *, bytes_max: int = JWS_BYTES_MAX
) -> bytes:
    """Verify a compact JWS of the exchange and return its payload, byte for byte.

    Args:
        text: three canonical base64url segments.
        typ: the one kind that is taken.
        keys: pinned Ed25519 public keys, by kid.
        bytes_max: longest text that is looked at.

    Raises:
        ReceiptInvalid: another form, kind, algorithm or key, or the signature does not hold.
    """
    segments = _JWS.fullmatch(text) if len(text) <= bytes_max else None
    if segments is None:
        raise ReceiptInvalid("not a compact JWS in its one spelling")
    try:
        header_json, payload, signature = (unb64url(one) for one in segments.groups())
        header = loads_object(header_json)
    except ValueError as error:
        raise ReceiptInvalid(f"not a compact JWS in its one spelling ({error})") from error
    kid = header.get("kid")
    if header.keys() != {"alg", "kid", "typ"} or header["alg"] != "EdDSA":
        raise ReceiptInvalid("the header must be exactly alg EdDSA, kid and typ")
    if header["typ"] != typ:
        raise ReceiptInvalid(f"it is of another kind than {typ}")
    if not isinstance(kid, str) or kid not in keys:
        raise ReceiptInvalid("it is signed under a key that is not pinned")
    if not _holds(keys[kid], signature, text[: segments.end(2)].encode()):
        raise ReceiptInvalid("the signature does not hold")
    return payload


def possession_text(origin: str, key: KeyFile) -> bytes:
    """Return what an enrolling member signs to prove that it holds the private half."""
    digest = hashlib.sha256(key.public_key).hexdigest()
    return f"cx/enrol/v1\n{origin}\n{key.keyid}\n{key.algorithm.value}\n{digest}\n".encode()


def prove_possession(origin: str, key: KeyFile) -> bytes:
    """Sign the possession text: 64 bytes."""
    return _sign(key, possession_text(origin, key))


def _content_headers(request: Request) -> dict[str, str]:
    if not request.body:
        return {}
    if request.content_type is None:
        raise ValueError("a body needs a content type")
    return {"Content-Digest": digest_of(request.body), "Content-Type": request.content_type}


def _response_lines(response: Response, request: SignedRequest) -> list[tuple[str, str]]:
    """List what the signature must cover, as far as present, in the protocol's order."""
    lines = [("@status", str(response.status))]
    for name in ("content-digest", "content-type"):
        if response.body or name in response.headers:
            lines.append((name, response.headers.get(name, "")))
    lines += [('"@method";req', request.method), ('"@target-uri";req', request.target_uri)]
    if request.content_digest is not None:
        lines.append(('"content-digest";req', request.content_digest))
    lines.append((f'"signature";req;key="{LABEL}"', request.signature))
    return lines


def _quoted(name: str) -> str:
    return name if name.startswith('"') else f'"{name}"'


def _base(lines: list[tuple[str, str]], params: str) -> bytes:
    text = "".join(f"{_quoted(name)}: {value}\n" for name, value in lines)
    return f'{text}"@signature-params": {params}'.encode()


def _sign(key: KeyFile, message: bytes) -> bytes:
    """Sign a message: 64 bytes, for P-256 r and s of 32 bytes each."""
    if isinstance(key.private, Ed25519PrivateKey):
        return key.private.sign(message)
    r, s = decode_dss_signature(key.private.sign(message, ECDSA(SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def _holds(public_key: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
