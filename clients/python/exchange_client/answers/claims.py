"""The claims of a receipt, read strictly: unknown names, words and combinations are refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

from exchange_client.answers.findings import Finding
from exchange_client.core.encoding import JSON, unb64url
from exchange_client.errors import ReceiptInvalid

T = TypeVar("T", str, int)

OUTCOMES: Final = frozenset({"NO_DATA", "NO_ADVERSE", "ADVERSE", "WITHHELD"})
GRADES: Final = frozenset("ABCDEF")
NAMES: Final = frozenset(
    {
        *("iss", "aud", "iat", "exp", "jti", "req", "sub", "purpose", "grant"),
        *("outcome", "reason", "finding", "grade", "reasons", "model", "policy", "limits"),
        *("profile", "epoch", "leaf", "log", "mmd", "pad"),
    }
)
HASH_BYTES: Final = 32
SUBJECT_BYTES: Final = 48  # 16 random bytes, then SHA-256


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptClaims:
    """What the exchange signed about one answer."""

    iss: str  # the exchange
    aud: str  # the asking member
    iat: int  # unix seconds
    exp: int  # unix seconds: the answer's use ends
    jti: str  # the query's id
    req: bytes  # SHA-256 of the question's exact bytes
    sub: bytes = field(repr=False)  # salt and salted hash of the token
    purpose: str
    grant: str | None
    outcome: str
    reason: str
    finding: Finding | None
    grade: str | None
    reasons: tuple[str, ...]
    model: str
    policy: str
    profile: str
    epoch: str
    leaf: bytes  # hash of the leaf in the access log
    log: str  # origin of that log
    mmd: int  # seconds until the leaf must be provable
    limits: tuple[str, ...]


def read_claims(claims: Mapping[str, JSON]) -> ReceiptClaims:
    """Read the claims of a receipt.

    Raises:
        ReceiptInvalid: a claim is missing, unknown, of another type, or disagrees with another.
    """
    if set(claims) != NAMES:
        raise ReceiptInvalid("the claims are not exactly those of a receipt")
    finding = claims["finding"]
    if finding is not None and not isinstance(finding, dict):
        raise ReceiptInvalid("finding must be an object or null")
    read = ReceiptClaims(
        iss=_take(claims, "iss", str),
        aud=_take(claims, "aud", str),
        iat=_take(claims, "iat", int),
        exp=_take(claims, "exp", int),
        jti=_take(claims, "jti", str),
        req=_bytes(claims, "req", HASH_BYTES),
        sub=_bytes(claims, "sub", SUBJECT_BYTES),
        purpose=_take(claims, "purpose", str),
        grant=_text_or_none(claims, "grant"),
        outcome=_take(claims, "outcome", str),
        reason=_take(claims, "reason", str),
        finding=None if finding is None else Finding(finding),
        grade=_text_or_none(claims, "grade"),
        reasons=_texts(claims, "reasons"),
        model=_take(claims, "model", str),
        policy=_take(claims, "policy", str),
        profile=_take(claims, "profile", str),
        epoch=_take(claims, "epoch", str),
        leaf=_bytes(claims, "leaf", HASH_BYTES),
        log=_take(claims, "log", str),
        mmd=_take(claims, "mmd", int),
        limits=_texts(claims, "limits"),
    )
    _check_agreement(read)
    return read


def _check_agreement(claims: ReceiptClaims) -> None:
    """Outcome, reason, finding and grade must say the same thing."""
    withheld = claims.outcome == "WITHHELD"
    holds = (
        claims.outcome in OUTCOMES
        and claims.iat < claims.exp
        and withheld is (claims.reason != "permitted")
        and not (withheld and claims.finding is not None)
        and claims.grade in _grades(claims.outcome)
    )
    if not holds:
        raise ReceiptInvalid("outcome, reason, finding, grade and times do not agree")


def _grades(outcome: str) -> frozenset[str | None]:
    if outcome == "WITHHELD":
        return frozenset({None})
    return frozenset({None, "U"}) if outcome == "NO_DATA" else GRADES | {None}


def _take(claims: Mapping[str, JSON], name: str, kind: type[T]) -> T:
    value = claims[name]
    if not isinstance(value, kind) or isinstance(value, bool):
        raise ReceiptInvalid(f"{name} has another type")
    return value


def _text_or_none(claims: Mapping[str, JSON], name: str) -> str | None:
    return None if claims[name] is None else _take(claims, name, str)


def _texts(claims: Mapping[str, JSON], name: str) -> tuple[str, ...]:
    value = claims[name]
    if not isinstance(value, list):
        raise ReceiptInvalid(f"{name} must be a list")
    texts = tuple(one for one in value if isinstance(one, str))
    if len(texts) != len(value):
        raise ReceiptInvalid(f"{name} must be a list of texts")
    return texts


def _bytes(claims: Mapping[str, JSON], name: str, size: int) -> bytes:
    try:
        value = unb64url(claims[name])
    except ValueError as error:
        raise ReceiptInvalid(f"{name}: {error}") from error
    if len(value) != size:
        raise ReceiptInvalid(f"{name} must be {size} bytes")
    return value
