"""Signed requests: read and verify the one form that this protocol takes.

In:  the parts of a request that a signature may cover, as the server saw them.
Out: a SignedRequest, of which only what was verified may be used.
Not here: keys by name, nonces, clocks, HTTP. The caller looks keys up and passes the time in.

A strict reader of our own, held against http-message-signatures in tests: the library costs
several times the Ed25519 operation below it, and its defaults have to be narrowed at each call.
Source: RFC 9421 (signatures), RFC 9530 (digest), protocol.md 2.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode, b64encode

from msgspec import Struct

from exchange.crypto.public_keys import PublicKey, signature_holds
from exchange.crypto.signature_fields import input_of_tag, signature_of_label
from exchange.domain.members import Algorithm
from exchange.errors import (
    DigestMismatch,
    DuplicateHeader,
    SignatureError,
    StaleRequest,
    UncoveredRequest,
)

REQUEST_TAG = "cx-1-request"
NONCE_CHARACTERS_MIN = 22
NONCE_CHARACTERS_MAX = 128
# What a stock client is told to sign, in every 401.
ACCEPT_SIGNATURE = (
    'sig=("@method" "@target-uri" "content-digest" "content-type")'
    f';created;nonce;keyid;alg;tag="{REQUEST_TAG}"'
)

_TIME = re.compile(r"[1-9][0-9]{0,14}")
_NONCE = re.compile(rf'"([A-Za-z0-9_\-+/=.~]{{{NONCE_CHARACTERS_MIN},{NONCE_CHARACTERS_MAX}}})"')
_KEYID = re.compile(r'"([a-z0-9][a-z0-9_-]{1,38})/([A-Za-z0-9_.-]{1,24})"')
_ALGORITHMS = {f'"{algorithm.value}"': algorithm for algorithm in Algorithm}
_DIGEST = re.compile(r"sha-256=:[A-Za-z0-9+/]{43}=:")

# As the SDK signs a request with a body: its one signature, in the order that 401 shows.
_USUAL = re.compile(
    r"([a-z]{1,16})="
    r'(\("@method" "@target-uri" "content-digest" "content-type"\)'
    rf";created=({_TIME.pattern});nonce={_NONCE.pattern};keyid={_KEYID.pattern}"
    rf';alg=("(?:{"|".join(algorithm.value for algorithm in Algorithm)})");tag="{REQUEST_TAG}")'
)
_USUAL_COMPONENTS = ['"@method"', '"@target-uri"', '"content-digest"', '"content-type"']

_ALWAYS = frozenset({'"@method"', '"@target-uri"'})
_CONTENT = frozenset({'"content-digest"', '"content-type"'})
_REQUIRED = frozenset({"created", "nonce", "keyid", "alg", "tag"})
_OPTIONAL = frozenset({"expires"})


class RequestParts(Struct, frozen=True, kw_only=True, gc=False):
    """What of a request a signature may speak of. A header that is absent is None."""

    method: str
    target_uri: str  # the configured public base and the raw target, never the Host header
    content_digest: str | None
    content_type: str | None
    signature_input: str | None
    signature: str | None
    has_body: bool


class SignedRequest(Struct, frozen=True, kw_only=True, gc=False):
    """A request's signature, read but not yet verified: see `verify`."""

    member: str
    key: str
    algorithm: Algorithm
    nonce: str
    created: int  # unix seconds
    expires: int | None  # unix seconds
    method: str
    target_uri: str
    content_digest: str | None
    label: str
    signature_text: str  # `:…:` as it stood in the header
    signature: bytes  # 64 bytes
    base: bytes  # what was signed


class Window(Struct, frozen=True, kw_only=True, gc=False):
    """How far a request's time may lie from ours."""

    age_seconds_max: int = 60
    ahead_seconds_max: int = 30


def digest_of(body: bytes) -> str:
    """Return the Content-Digest header of a body (RFC 9530, sha-256)."""
    return f"sha-256=:{b64encode(hashlib.sha256(body).digest()).decode('ascii')}:"


def parse_request(parts: RequestParts) -> SignedRequest:
    """Read the one signature with our tag and rebuild what it signed.

    Raises:
        SignatureError: no such signature, two of them, or one that cannot be read.
        UncoveredRequest: a component or parameter this protocol asks for is not signed.
        DigestMismatch: the digest is absent from a body, or not one of sha-256.
        DuplicateHeader: a header that may stand once stands twice.
    """
    usual = _USUAL.fullmatch(parts.signature_input or "")
    if usual is not None and parts.has_body and parts.content_type and parts.content_digest:
        return _usual_request(usual, parts)
    return parse_any_request(parts)


def parse_any_request(parts: RequestParts) -> SignedRequest:
    """Do what `parse_request` does, whatever order and label the signature has."""
    label, components, parameters, params_text = input_of_tag(parts.signature_input, REQUEST_TAG)
    signature_text = signature_of_label(parts.signature, label)
    _check_parameters(parameters)
    _check_coverage(components, parts)
    member, key = _match(_KEYID, parameters["keyid"], "keyid must be <member>/<key>").groups()
    return SignedRequest(
        member=member,
        key=key,
        algorithm=_algorithm(parameters["alg"]),
        nonce=_match(_NONCE, parameters["nonce"], "nonce must be 22 to 128 safe characters")[1],
        created=int(_match(_TIME, parameters["created"], "created must be whole seconds")[0]),
        expires=_expires(parameters),
        method=parts.method,
        target_uri=parts.target_uri,
        content_digest=parts.content_digest,
        label=label,
        signature_text=signature_text,
        signature=b64decode(signature_text[1:-1]),
        base=_request_base(components, parts, params_text),
    )


def _usual_request(usual: re.Match[str], parts: RequestParts) -> SignedRequest:
    """Read a signature of the usual form: what `parse_request` would, in half the time."""
    label, params_text, created, nonce, member, key, algorithm = usual.groups()
    signature_text = signature_of_label(parts.signature, label)
    if not _DIGEST.fullmatch(parts.content_digest or ""):
        _refuse_digest(parts.content_digest or "")
    return SignedRequest(
        member=member,
        key=key,
        algorithm=_algorithm(algorithm),
        nonce=nonce,
        created=int(created),
        expires=None,
        method=parts.method,
        target_uri=parts.target_uri,
        content_digest=parts.content_digest,
        label=label,
        signature_text=signature_text,
        signature=b64decode(signature_text[1:-1]),
        base=_request_base(_USUAL_COMPONENTS, parts, params_text),
    )


def check_time(signed: SignedRequest, now: int, window: Window) -> None:
    """Refuse a request whose time lies outside the window.

    Raises:
        StaleRequest: too old, too far ahead, or past its own `expires`.
    """
    if now - signed.created > window.age_seconds_max:
        raise StaleRequest(f"created is more than {window.age_seconds_max} s old")
    if signed.created - now > window.ahead_seconds_max:
        raise StaleRequest(f"created is more than {window.ahead_seconds_max} s ahead")
    if signed.expires is not None and signed.expires <= now:
        raise StaleRequest("expires has passed")


def verify(signed: SignedRequest, key: PublicKey) -> bool:
    """Tell whether the signature holds under this key; the caller checks whose key it is."""
    return signature_holds(key, signed.signature, signed.base)


def check_digest(signed: SignedRequest, body: bytes) -> None:
    """Check the body against the signed digest, before anything parses it.

    Raises:
        DigestMismatch: the body is not the one that was signed.
    """
    if signed.content_digest is None:
        if body:
            raise DigestMismatch("a body needs a Content-Digest")
    elif signed.content_digest != digest_of(body):
        raise DigestMismatch("the body is not the one whose digest was signed")


def _check_parameters(parameters: dict[str, str]) -> None:
    if missing := _REQUIRED - parameters.keys():
        raise UncoveredRequest(f"missing parameters: {', '.join(sorted(missing))}")
    if parameters.keys() - _REQUIRED - _OPTIONAL:
        raise SignatureError("a signature parameter is not one of this protocol")


def _check_coverage(components: list[str], parts: RequestParts) -> None:
    covered = frozenset(components)
    required = _ALWAYS | _CONTENT if parts.has_body else _ALWAYS
    if missing := required - covered:
        raise UncoveredRequest(f"not covered: {', '.join(sorted(missing))}")
    if len(covered) != len(components) or covered - _ALWAYS - _CONTENT:
        raise UncoveredRequest("covered more than this protocol asks for, or twice")
    if parts.content_digest is None:
        if '"content-digest"' in covered:
            raise DigestMismatch("Content-Digest is covered and absent")
    elif not _DIGEST.fullmatch(parts.content_digest):
        _refuse_digest(parts.content_digest)
    if parts.content_type is None and '"content-type"' in covered:
        raise UncoveredRequest("Content-Type is covered and absent")


def _refuse_digest(field: str) -> None:
    names = [member.partition("=")[0].strip() for member in field.split(",")]
    if len(names) != len(set(names)):
        raise DuplicateHeader("Content-Digest stands twice")
    raise DigestMismatch("Content-Digest must be one digest, of sha-256")


def _match(pattern: re.Pattern[str], value: str, expected: str) -> re.Match[str]:
    match = pattern.fullmatch(value)
    if match is None:
        raise SignatureError(expected)
    return match


def _algorithm(value: str) -> Algorithm:
    algorithm = _ALGORITHMS.get(value)
    if algorithm is None:
        raise SignatureError("alg must be ed25519 or ecdsa-p256-sha256")
    return algorithm


def _expires(parameters: dict[str, str]) -> int | None:
    value = parameters.get("expires")
    return None if value is None else int(_match(_TIME, value, "expires must be whole seconds")[0])


def _request_base(components: list[str], parts: RequestParts, params_text: str) -> bytes:
    values = {
        '"@method"': parts.method,
        '"@target-uri"': parts.target_uri,
        '"content-digest"': parts.content_digest,
        '"content-type"': parts.content_type,
    }
    lines = "".join(f"{name}: {values[name]}\n" for name in components)
    if lines.count("\n") != len(components):
        raise SignatureError("what is signed must stand on one line each")
    try:
        return f'{lines}"@signature-params": {params_text}'.encode("ascii")
    except UnicodeEncodeError:
        raise SignatureError("what is signed must be ASCII") from None
