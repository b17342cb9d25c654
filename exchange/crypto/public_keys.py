"""Load members' public keys, refuse weak ones, and check raw signatures under them.

A weak key is one under which some fixed signature passes for many messages (small order), or
which has a second spelling, so that two registered keys could be one.
Source: RFC 8032, 5.1.3 (decoding); RFC 9421, 3.3.4 and 3.3.6 (signature forms); SEC 1, 2.3.4.
"""

from __future__ import annotations

import hashlib
from typing import TypeAlias

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from exchange.crypto.ed25519 import PUBLIC_BYTES, SIGNATURE_BYTES, VerifyingKey
from exchange.domain.members import Algorithm
from exchange.errors import WeakKey

PublicKey: TypeAlias = VerifyingKey | EllipticCurvePublicKey
_Point: TypeAlias = tuple[int, int, int, int]  # extended coordinates, RFC 8032, 5.1.4

_FIELD = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493  # of Ed25519's prime-order group
_EDWARDS_D = -121665 * pow(121666, -1, _FIELD) % _FIELD
_ROOT_OF_MINUS_ONE = pow(2, (_FIELD - 1) // 4, _FIELD)
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_SHA256 = ECDSA(SHA256())


def public_key_of(algorithm: Algorithm, raw: bytes) -> PublicKey:
    """Load a public key that somebody wants to register, or refuse it. Costs some milliseconds.

    Args:
        algorithm: what the key is registered for; it serves nothing else.
        raw: 32 bytes (Ed25519) or 65 bytes, the uncompressed point (P-256).

    Raises:
        WeakKey: wrong length or form, not on the curve, or outside the prime-order group.
    """
    if algorithm is Algorithm.ED25519:
        _refuse_weak(raw)
    return registered_key_of(algorithm, raw)


def registered_key_of(algorithm: Algorithm, raw: bytes) -> PublicKey:
    """Load a public key that `public_key_of` accepted when it was registered.

    Raises:
        WeakKey: the bytes are no key of this algorithm.
    """
    if algorithm is Algorithm.ED25519:
        if len(raw) != PUBLIC_BYTES:
            raise WeakKey("an Ed25519 key is 32 bytes", field="public_key")
        return VerifyingKey(raw)
    if len(raw) != 65 or raw[0] != 4:
        raise WeakKey("a P-256 key is 65 bytes, an uncompressed point", field="public_key")
    try:
        return EllipticCurvePublicKey.from_encoded_point(SECP256R1(), raw)
    except ValueError:
        raise WeakKey("the bytes are no key of this algorithm", field="public_key") from None


def signature_holds(key: PublicKey, signature: bytes, message: bytes) -> bool:
    """Tell whether these 64 bytes sign this message under this key."""
    if len(signature) != SIGNATURE_BYTES:
        return False
    if isinstance(key, VerifyingKey):
        return key.holds(signature, message)
    try:
        key.verify(_der(signature), message, _SHA256)
    except (InvalidSignature, ValueError):
        return False
    return True


def possession_text(origin: str, keyid: str, algorithm: Algorithm, raw: bytes) -> bytes:
    """Return what an enrolling member signs to prove that it holds the private half.

    A weak key refused above could pass here for a signature made for another text; a strong one
    cannot. The origin keeps a proof made for one exchange from serving at another.
    """
    digest = hashlib.sha256(raw).hexdigest()
    return f"cx/enrol/v1\n{origin}\n{keyid}\n{algorithm.value}\n{digest}\n".encode()


def _der(signature: bytes) -> bytes:
    """Rewrite r || s as the library wants it.

    Raises:
        ValueError: r or s lies outside 1 … order - 1.
    """
    r = int.from_bytes(signature[:32], "big")
    s = int.from_bytes(signature[32:], "big")
    if not (0 < r < _P256_ORDER and 0 < s < _P256_ORDER):
        raise ValueError("r or s out of range")
    return encode_dss_signature(r, s)


def _refuse_weak(raw: bytes) -> None:
    if len(raw) != PUBLIC_BYTES:
        raise WeakKey("an Ed25519 key is 32 bytes", field="public_key")
    point = _decode(raw)
    # The group's order times the point is the identity for points of that group alone; the
    # identity is one of them, and is the one of small order that would pass.
    if _is_identity(point) or not _is_identity(_times(_ORDER, point)):
        raise WeakKey("the point lies outside the prime-order group", field="public_key")


def _decode(raw: bytes) -> _Point:
    """Decode a point in its one canonical spelling (RFC 8032, 5.1.3)."""
    encoded = int.from_bytes(raw, "little")
    sign, y = encoded >> 255, encoded & (1 << 255) - 1
    if y >= _FIELD:
        raise WeakKey("the encoding is not canonical", field="public_key")
    u, v = (y * y - 1) % _FIELD, (_EDWARDS_D * y * y + 1) % _FIELD
    x = u * pow(v, 3, _FIELD) * pow(u * pow(v, 7, _FIELD), (_FIELD - 5) // 8, _FIELD) % _FIELD
    if v * x * x % _FIELD == -u % _FIELD:
        x = x * _ROOT_OF_MINUS_ONE % _FIELD
    if v * x * x % _FIELD != u or (x == 0 and sign):
        raise WeakKey("the encoding is not that of a point", field="public_key")
    if x & 1 != sign:
        x = _FIELD - x
    return (x, y, 1, x * y % _FIELD)


def _times(scalar: int, point: _Point) -> _Point:
    """Multiply a point that is no secret: the time this takes depends on both."""
    total: _Point = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            total = _add(total, point)
        point = _add(point, point)
        scalar >>= 1
    return total


def _add(p: _Point, q: _Point) -> _Point:
    """Add two points (RFC 8032, 5.1.4); the formula is complete, so it doubles as well."""
    a = (p[1] - p[0]) * (q[1] - q[0])
    b = (p[1] + p[0]) * (q[1] + q[0])
    c = 2 * p[3] * q[3] * _EDWARDS_D
    d = 2 * p[2] * q[2]
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % _FIELD, g * h % _FIELD, f * g % _FIELD, e * h % _FIELD)


def _is_identity(point: _Point) -> bool:
    return point[0] % _FIELD == 0 and (point[1] - point[2]) % _FIELD == 0
