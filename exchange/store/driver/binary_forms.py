"""PostgreSQL's binary forms of the types that hot statements use, by the type's fixed number.

Source: PostgreSQL's pg_type.dat for the numbers, the types' send and recv functions for the forms.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from uuid import UUID

_INT2, _INT4, _INT8 = struct.Struct("!h"), struct.Struct("!i"), struct.Struct("!q")
_ARRAY = struct.Struct("!iii")  # dimensions, has nulls, type of the elements
_AXIS = struct.Struct("!ii")  # length, first index
_BOOL, _BYTEA, _INT8_OID, _INT4_OID, _TEXT, _UUID = 16, 17, 20, 23, 25, 2950
_NULL = _INT4.pack(-1)

# Without a call of Python's each: a query has two dozen of them. Neither takes another type.
_bytes: Callable[[object], bytes] = b"".__add__  # type: ignore[assignment]  # bytes-like objects
_text: Callable[[object], bytes] = str.encode  # type: ignore[assignment]  # texts


def _encode_array(oid: int, encode: Callable[[object], bytes]) -> Callable[[object], bytes]:
    none, lone = _ARRAY.pack(0, 0, oid), _ARRAY.pack(1, 0, oid) + _AXIS.pack(1, 1)

    def encoded(values: object) -> bytes:
        if not isinstance(values, list | tuple):
            raise TypeError("an array is made of a list or a tuple")
        if not values:
            return none
        if len(values) == 1 and values[0] is not None:
            one = encode(values[0])
            return lone + _INT4.pack(len(one)) + one
        nulls = None in values
        head = _ARRAY.pack(1, nulls, oid) + _AXIS.pack(len(values), 1)
        if not nulls:
            return head + _elements(list(map(encode, values)))
        parts = [_NULL if value is None else _element(encode(value)) for value in values]
        return head + b"".join(parts)

    return encoded


def _element(encoded: bytes) -> bytes:
    return _INT4.pack(len(encoded)) + encoded


def _elements(encoded: list[bytes]) -> bytes:
    lengths = set(map(len, encoded))
    if len(lengths) == 1:  # One form before each: a join does it.
        length = _INT4.pack(lengths.pop())
        return length + length.join(encoded)
    return b"".join(map(_element, encoded))


def _bool(value: object) -> bytes:
    return b"\x01" if value else b"\x00"


def _uuid(value: object) -> bytes:
    if not isinstance(value, UUID):
        raise TypeError("a UUID is asked for")
    return value.bytes


ENCODERS: Mapping[int, Callable[[object], bytes]] = {
    _BOOL: _bool,
    _BYTEA: _bytes,
    _INT8_OID: _INT8.pack,
    21: _INT2.pack,
    _INT4_OID: _INT4.pack,
    _TEXT: _text,
    _UUID: _uuid,
    1000: _encode_array(_BOOL, _bool),
    1001: _encode_array(_BYTEA, _bytes),
    1007: _encode_array(_INT4_OID, _INT4.pack),
    1009: _encode_array(_TEXT, _text),
    1016: _encode_array(_INT8_OID, _INT8.pack),
    2951: _encode_array(_UUID, _uuid),
}
