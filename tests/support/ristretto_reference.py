"""The group ristretto255, twice over: in plain Python after RFC 9496, and by libsodium.

Slow, and not constant in time: for tests alone. The plain one is always there, so no vector goes
unchecked on a machine without libsodium; `libsodium()` is the one that others have hardened.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Protocol

ORDER = 2**252 + 27742317777372353535851937790883648493  # RFC 9496 4.4
IDENTITY = bytes(32)

_P = 2**255 - 19
_D = 37095705934669439343138083508754565189542113879843219016388785533085940283555
_SQRT_M1 = 19681161376707505956807079304988542015446066515923890162744021073123829784752
_SQRT_AD_MINUS_ONE = 25063068953384623474111414158702152701244531502492656460079210482610430750235
_INVSQRT_A_MINUS_D = 54469307008909316920995813868745141605393597292927456921205312896311721017578
_ONE_MINUS_D_SQ = 1159843021668779879193775521855586647937357759715417654439879720876111806838
_D_MINUS_ONE_SQ = 40440834346308536858101042469323190826248399146238708352240133220865137265952

_Point = tuple[int, int, int, int]  # extended coordinates X, Y, Z, T on edwards25519


class Group(Protocol):
    """What a VOPRF needs of a prime-order group; elements are canonical encodings, 32 bytes."""

    name: str

    def valid(self, element: bytes) -> bool:
        """Tell whether this is a canonical encoding."""
        ...

    def map(self, uniform: bytes) -> bytes:
        """Map 64 uniform bytes to an element (RFC 9496 4.3.4)."""
        ...

    def add(self, one: bytes, other: bytes) -> bytes:
        """Add two elements."""
        ...

    def multiply(self, scalar: int, element: bytes) -> bytes:
        """Multiply an element that is not the identity by a scalar from 1 to ORDER - 1."""
        ...

    def multiply_base(self, scalar: int) -> bytes:
        """Multiply the generator by a scalar from 1 to ORDER - 1."""
        ...


class PlainPython:
    """RFC 9496 section 4, step by step."""

    name = "plain Python"

    def valid(self, element: bytes) -> bool:
        """Tell whether this is a canonical encoding."""
        try:
            _decode(element)
        except ValueError:
            return False
        return True

    def map(self, uniform: bytes) -> bytes:
        """Map 64 uniform bytes to an element (RFC 9496 4.3.4)."""
        halves = (int.from_bytes(half, "little") % 2**255 for half in (uniform[:32], uniform[32:]))
        return _encode(_add(*(_elligator(half % _P) for half in halves)))

    def add(self, one: bytes, other: bytes) -> bytes:
        """Add two elements."""
        return _encode(_add(_decode(one), _decode(other)))

    def multiply(self, scalar: int, element: bytes) -> bytes:
        """Multiply an element by a scalar: double and add."""
        point, total = _decode(element), (0, 1, 1, 0)
        for digit in f"{scalar:b}":
            total = _add(total, total)
            total = _add(total, point) if digit == "1" else total
        return _encode(total)

    def multiply_base(self, scalar: int) -> bytes:
        """Multiply the generator (RFC 9496 A.1, multiple 1) by a scalar."""
        generator = "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76"
        return self.multiply(scalar, bytes.fromhex(generator))


class Libsodium:
    """The same group as libsodium computes it."""

    name = "libsodium"

    def __init__(self, sodium: ModuleType) -> None:
        self._sodium = sodium

    def valid(self, element: bytes) -> bool:
        """Tell whether this is a canonical encoding."""
        # The C function reads 32 bytes, whatever it is given.
        return len(element) == 32 and bool(
            self._sodium.crypto_core_ristretto255_is_valid_point(element)
        )

    def map(self, uniform: bytes) -> bytes:
        """Map 64 uniform bytes to an element (RFC 9496 4.3.4)."""
        return bytes(self._sodium.crypto_core_ristretto255_from_hash(uniform))

    def add(self, one: bytes, other: bytes) -> bytes:
        """Add two elements."""
        return bytes(self._sodium.crypto_core_ristretto255_add(one, other))

    def multiply(self, scalar: int, element: bytes) -> bytes:
        """Multiply an element by a scalar."""
        factor = scalar.to_bytes(32, "little")
        return bytes(self._sodium.crypto_scalarmult_ristretto255(factor, element))

    def multiply_base(self, scalar: int) -> bytes:
        """Multiply the generator by a scalar."""
        factor = scalar.to_bytes(32, "little")
        return bytes(self._sodium.crypto_scalarmult_ristretto255_base(factor))


def libsodium() -> Libsodium:
    """Load libsodium through pysodium.

    Raises:
        RuntimeError: it is not on this machine, or is built without ristretto255.
    """
    try:
        # By name, for pysodium has no types, and loads the library while it is imported.
        sodium = importlib.import_module("pysodium")
        sodium.crypto_core_ristretto255_random()
    except (ImportError, OSError, ValueError, AttributeError) as error:
        raise RuntimeError(f"libsodium with ristretto255 cannot be loaded ({error!r})") from error
    return Libsodium(sodium)


def _absolute(value: int) -> int:
    """CT_ABS: the one of value and -value that is even."""
    return -value % _P if value % _P % 2 else value % _P


def _sqrt_ratio(u: int, v: int) -> tuple[bool, int]:
    """SQRT_RATIO_M1 (RFC 9496 4.2)."""
    r = u * v**3 * pow(u * v**7, (_P - 5) // 8, _P) % _P
    check = v * r * r % _P
    if check in (-u % _P, -u * _SQRT_M1 % _P):
        r = r * _SQRT_M1 % _P
    return check in (u % _P, -u % _P), _absolute(r)


def _decode(element: bytes) -> _Point:
    """Decode (RFC 9496 4.3.1)."""
    s = int.from_bytes(element, "little")
    if len(element) != 32 or s >= _P or s % 2:
        raise ValueError("not canonical")
    ss = s * s % _P
    u1, u2 = 1 - ss, 1 + ss
    v = (-(_D * u1 * u1) - u2 * u2) % _P
    was_square, invsqrt = _sqrt_ratio(1, v * u2 * u2 % _P)
    den_x = invsqrt * u2 % _P
    den_y = invsqrt * den_x * v % _P
    x, y = _absolute(2 * s * den_x), u1 * den_y % _P
    t = x * y % _P
    if not was_square or t % 2 or y == 0:
        raise ValueError("no element")
    return x, y, 1, t


def _encode(point: _Point) -> bytes:
    """Encode (RFC 9496 4.3.2)."""
    x0, y0, z0, t0 = point
    u1, u2 = (z0 + y0) * (z0 - y0) % _P, x0 * y0 % _P
    _, invsqrt = _sqrt_ratio(1, u1 * u2 * u2 % _P)
    den1, den2 = invsqrt * u1 % _P, invsqrt * u2 % _P
    z_inv = den1 * den2 * t0 % _P
    rotate = t0 * z_inv % _P % 2
    x = y0 * _SQRT_M1 % _P if rotate else x0
    y = x0 * _SQRT_M1 % _P if rotate else y0
    den_inv = den1 * _INVSQRT_A_MINUS_D % _P if rotate else den2
    y = -y if x * z_inv % _P % 2 else y
    return _absolute(den_inv * (z0 - y)).to_bytes(32, "little")


def _add(one: _Point, other: _Point) -> _Point:
    """Add on edwards25519, complete for all points (RFC 8032 5.1.4)."""
    (x1, y1, z1, t1), (x2, y2, z2, t2) = one, other
    a, b = (y1 - x1) * (y2 - x2), (y1 + x1) * (y2 + x2)
    c, d = 2 * t1 * t2 * _D, 2 * z1 * z2
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _elligator(t: int) -> _Point:
    """MAP (RFC 9496 4.3.4)."""
    r = _SQRT_M1 * t * t % _P
    u = (r + 1) * _ONE_MINUS_D_SQ % _P
    v = (-1 - r * _D) * (r + _D) % _P
    was_square, s = _sqrt_ratio(u, v)
    s, c = (s, -1) if was_square else (-_absolute(s * t), r)
    n = c * (r - 1) * _D_MINUS_ONE_SQ - v
    w0, w1, w2, w3 = 2 * s * v, n * _SQRT_AD_MINUS_ONE, 1 - s * s, 1 + s * s
    return w0 * w3 % _P, w2 * w1 % _P, w1 * w3 % _P, w0 * w2 % _P
