"""Compact JWS in one spelling: what receipts, artefacts and status lists are signed as.

Bytes given are signed as they are; bytes received are kept as they came. The algorithm comes from
the key and never from the message alone. Numbers are the rules of crypto.md, section 4:

    1 three non-empty canonical base64url segments     4 `typ` exactly the kind that is expected
    2 header members unique, exactly alg, kid, typ     5 algorithm that of the key
    3 `kid` at most 64 safe characters                 6 iss, iat, exp, jti, aud present and typed

Source: RFC 7515, RFC 8725, RFC 8037 (EdDSA).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from exchange.crypto.public_keys import registered_key_of, signature_holds
from exchange.domain.base64url import b64url_bytes, unb64url
from exchange.domain.members import Algorithm, MemberKey
from exchange.domain.strict_json import JsonLimits, loads
from exchange.errors import ExchangeError, SignatureError

JWS_BYTES_MAX = 8 * 1024
HEADER_LIMITS = JsonLimits(depth=1, members=3, string_bytes=64)
CLAIM_LIMITS = JsonLimits(string_bytes=4096)  # the padding of a receipt is longer than 1 KiB

_SEGMENTS = re.compile(r"([A-Za-z0-9_-]{1,256})\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{86})")
_KID = re.compile(r"(?=.{1,64}\Z)[A-Za-z0-9][A-Za-z0-9_.:-]*(?:/[A-Za-z0-9][A-Za-z0-9_.-]*)?")
_ALGORITHMS = {"EdDSA": Algorithm.ED25519, "ES256": Algorithm.ECDSA_P256}


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedJws:
    """A JWS of the right form, not yet verified."""

    algorithm: Algorithm
    kid: str
    typ: str
    payload: bytes
    signing_input: bytes
    signature: bytes  # 64 bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedClaims:
    """Who must have issued the claims, for whom, and how far its clock may be ahead of ours."""

    issuer: str
    audience: str
    ahead_seconds_max: int = 30


def sign_jws(payload: bytes, typ: str, kid: str, sign: Callable[[bytes], bytes]) -> str:
    """Sign these bytes with EdDSA.

    Args:
        payload: signed as given, never serialised again.
        typ: the kind, e.g. `cx-receipt+jwt`.
        kid: at most 64 safe characters.
        sign: Ed25519, 64 bytes out.
    """
    signing_input = _header(typ, kid) + b"." + b64url_bytes(payload)
    return (signing_input + b"." + b64url_bytes(sign(signing_input))).decode("ascii")


def parse_jws(text: str, *, typ: str, max_bytes: int = JWS_BYTES_MAX) -> ParsedJws:
    """Read a compact JWS of one kind.

    Raises:
        SignatureError: it breaks one of rules 1 to 4, or is longer than `max_bytes`.
    """
    if len(text) > max_bytes:
        raise SignatureError(f"a JWS of this kind is at most {max_bytes} bytes")
    match = _SEGMENTS.fullmatch(text)  # 1
    if match is None:
        raise SignatureError("a JWS is three base64url segments and a 64-byte signature")
    try:
        header_json, payload, signature = (unb64url(segment) for segment in match.groups())
    except ValueError:
        raise SignatureError("a segment of the JWS is not canonical base64url") from None
    algorithm, kid = _read_header(header_json, typ)
    return ParsedJws(
        algorithm=algorithm,
        kid=kid,
        typ=typ,
        payload=payload,
        signing_input=text[: match.end(2)].encode("ascii"),
        signature=signature,
    )


def verify_jws(parsed: ParsedJws, key: MemberKey | bytes) -> None:
    """Check the signature under a registered key; whether that key is live is the caller's.

    Args:
        parsed: what `parse_jws` returned.
        key: a member's key, or the 32 bytes of an Ed25519 key of ours.

    Raises:
        SignatureError: another algorithm than the key's (rule 5), or the signature is wrong.
    """
    algorithm = Algorithm.ED25519 if isinstance(key, bytes) else key.algorithm
    raw = key if isinstance(key, bytes) else key.public_key
    if parsed.algorithm is not algorithm:
        raise SignatureError("the JWS is not signed with the key's algorithm")
    public_key = registered_key_of(algorithm, raw)
    if not signature_holds(public_key, parsed.signature, parsed.signing_input):
        raise SignatureError("the JWS signature does not hold under the key")


def claims_of(parsed: ParsedJws) -> dict[str, object]:
    """Read the payload as strict JSON.

    Raises:
        SignatureError: it is not one JSON object in the strict form.
    """
    try:
        claims = loads(parsed.payload, CLAIM_LIMITS)
    except ExchangeError as error:
        raise SignatureError(f"the claims are refused: {error}") from None
    if not isinstance(claims, dict):
        raise SignatureError("the claims must be an object")
    return claims


def check_claims(claims: dict[str, object], expected: ExpectedClaims, now: int) -> None:
    """Check who issued verified claims, for whom and for how long (rule 6).

    Raises:
        SignatureError: a claim is absent, of another type, or not what is expected.
    """
    issued, expires = claims.get("iat"), claims.get("exp")
    if type(issued) is not int or type(expires) is not int:  # A boolean is an int to isinstance.
        raise SignatureError("iat and exp must be whole seconds")
    if not isinstance(claims.get("jti"), str) or not claims["jti"]:
        raise SignatureError("jti must be present")
    if claims.get("iss") != expected.issuer:
        raise SignatureError("iss is not the issuer expected here")
    if claims.get("aud") != expected.audience:
        raise SignatureError("aud is not the one audience expected here")
    if issued > now + expected.ahead_seconds_max:
        raise SignatureError("iat lies in the future")
    if not issued < expires or expires <= now:
        raise SignatureError("exp has passed")


@lru_cache(maxsize=64)
def _header(typ: str, kid: str) -> bytes:
    """Return the header segment of what we sign; we sign few kinds under few keys."""
    header = {"alg": "EdDSA", "kid": kid, "typ": typ}
    return b64url_bytes(json.dumps(header, separators=(",", ":")).encode())


def _read_header(raw: bytes, typ: str) -> tuple[Algorithm, str]:
    try:
        header = loads(raw, HEADER_LIMITS)
    except ExchangeError as error:
        raise SignatureError(f"the JWS header is refused: {error}") from None
    if not isinstance(header, dict) or header.keys() != {"alg", "kid", "typ"}:  # 2
        raise SignatureError("the JWS header must hold exactly alg, kid and typ")
    algorithm, kid = header["alg"], header["kid"]
    if not isinstance(kid, str) or not _KID.fullmatch(kid):  # 3
        raise SignatureError("kid must be at most 64 safe characters")
    if header["typ"] != typ:  # 4
        raise SignatureError("typ is not the kind expected here")
    if not isinstance(algorithm, str) or algorithm not in _ALGORITHMS:
        raise SignatureError("alg must be EdDSA or ES256")
    return _ALGORITHMS[algorithm], kid
