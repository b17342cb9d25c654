"""Ids: UUIDv7, written with a prefix that says what they name (`qry_0192f3…`).

A UUIDv7 sorts by the time it was made, so keys that lead with one stay local in an index.
Source: RFC 9562, section 5.7.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from uuid import UUID

from exchange.errors import InvalidField

PREFIXES = frozenset(
    {
        *(
            "bat",
            "dsb",
            "dsp",
            "evt",
            "gnt",
            "opn",
            "prg",
            "prp",
            "qry",
            "rec",
            "rpt",
            "sta",
            "wch",
        ),
        "whk",
    }
)
_HEX = re.compile(r"[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}")
_BYTES = 16
_VERSION_7 = bytes(0x70 | byte & 0x0F for byte in range(256))
_VARIANT = bytes(0x80 | byte & 0x3F for byte in range(256))
_MEMBER = re.compile(r"[a-z0-9][a-z0-9_-]{1,38}")


def uuid7(unix_ms: int, random_bytes: Callable[[int], bytes]) -> UUID:
    """Return a UUIDv7 of this time (milliseconds since 1970) and 74 random bits."""
    tail = int.from_bytes(random_bytes(10), "big")
    value = (unix_ms & (1 << 48) - 1) << 80 | 0x7 << 76 | (tail >> 62 & 0xFFF) << 64
    return UUID(int=value | 0b10 << 62 | tail & (1 << 62) - 1)


def uuid7s(unix_ms: int, count: int, random_bytes: Callable[[int], bytes]) -> list[bytes]:
    """Return many UUIDv7 of this time, 16 bytes each: the columns of a table of bytes."""
    table = bytearray(random_bytes(_BYTES * count))
    for column, byte in enumerate((unix_ms & (1 << 48) - 1).to_bytes(6, "big")):
        table[column::_BYTES] = bytes((byte,)) * count
    table[6::_BYTES] = table[6::_BYTES].translate(_VERSION_7)
    table[8::_BYTES] = table[8::_BYTES].translate(_VARIANT)
    made = bytes(table)
    return [made[at : at + _BYTES] for at in range(0, len(made), _BYTES)]


def show(prefix: str, value: UUID) -> str:
    """Write an id with its prefix: `show("qry", …) == "qry_0192f3…"`."""
    return f"{prefix}_{value.hex}"


def parse(prefix: str, text: str, *, field: str) -> UUID:
    """Read an id of this kind.

    Raises:
        InvalidField: it is not `<prefix>_` and the 32 lower-case hex digits of a UUIDv7.
    """
    named, _, digits = text.partition("_")
    if named != prefix or not _HEX.fullmatch(digits):
        raise InvalidField(f"must be {prefix}_ and 32 hex digits of a UUIDv7", field=field)
    return UUID(int=int(digits, 16))


def member_id(text: str, *, field: str = "member") -> str:
    """Check a member's id: 2 to 39 of lower-case letters, digits, `-` and `_`.

    Raises:
        InvalidField: it is anything else.
    """
    if not _MEMBER.fullmatch(text):
        raise InvalidField("must be 2 to 39 of a-z, 0-9, - and _", field=field)
    return text
