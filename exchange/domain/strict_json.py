"""Read JSON in the one strict form this exchange takes; what is ambiguous is refused.

In:  the raw bytes of one JSON text, and the limits that hold for it.
Out: dicts, lists, strings, whole numbers, booleans and None.
Kept out: a member named twice, NaN and infinities, minus zero, numbers over 16 digits, fractions
and exponents, lone surrogates, NUL, noncharacters, bidi controls, deep or wide or long values.

Faults of form (400) end the reading at once. Faults of a field (422) are looked up a second time
with their place, so that the common case pays nothing for a good message. No message holds a value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import isinf
from typing import NoReturn

from exchange.errors import DuplicateField, Fault, FormError, InvalidField

_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKETS = re.compile(rb"[\[\]{}]")
# Noncharacters are the last two code points of each of the 17 planes, and U+FDD0 to U+FDEF.
# Source: Unicode 16, section 23.7; bidi controls: Unicode Standard Annex 9, section 2.
_NONCHARACTERS = "".join(
    f"{chr(plane << 16 | 0xFFFE)}{chr(plane << 16 | 0xFFFF)}" for plane in range(17)
)
_FORBIDDEN = re.compile(
    f"[\0\ud800-\udfff\ufdd0-\ufdef{_NONCHARACTERS}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)
_POINTER_NAME = re.compile(r"[a-z][a-z_]{0,31}")


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonLimits:
    """How much one JSON text may hold."""

    depth: int = 16  # nested objects and arrays
    members: int = 200  # of one object
    string_bytes: int = 1024  # UTF-8 bytes of one string
    integer_magnitude: int = 10**15  # largest absolute value of a number


DEFAULT_LIMITS = JsonLimits()


class _FractionSeen(Exception):
    """A number has a fraction or exponent; raised inside the decoder, never past `loads`."""


class _Fraction:
    """Stands where a number with a fraction or exponent stood, so that its place can be named."""


def loads(raw: bytes, limits: JsonLimits = DEFAULT_LIMITS) -> object:
    """Read one JSON text.

    Raises:
        DuplicateField: an object names a member twice.
        FormError: not JSON, not UTF-8, too deep, too wide, or a number of no accepted form.
        InvalidField: a fraction where a whole number is asked, a string too long, or a
            character that no text here may hold.
    """
    _check_depth(raw, limits.depth)
    text = _text(raw)
    try:
        value = _decode(_decoder(limits), text)
    except _FractionSeen:
        _refuse_fraction(text, limits)
    if not _plain(raw, limits.string_bytes):
        _check_strings(value, limits.string_bytes)
    return value


def pointer_name(name: str) -> str | None:
    """Return a member's name if it may stand in a fault: a plain word, and so no value."""
    return name if _POINTER_NAME.fullmatch(name) else None


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise FormError(f"not UTF-8 at byte {error.start}") from None


def _decode(decoder: json.JSONDecoder, text: str) -> object:
    try:
        return decoder.decode(text)
    except json.JSONDecodeError as error:
        raise FormError(f"not JSON at character {error.pos}") from None


def _plain(raw: bytes, string_bytes: int) -> bool:
    """Tell whether no string of this text can be too long or hold a forbidden character.

    ASCII without a backslash holds neither escapes nor anything outside the printable range (the
    decoder itself refuses control characters), and what stands between two quotes bounds a string.
    """
    if not raw.isascii() or b"\\" in raw:
        return False
    return len(raw) <= string_bytes or max(map(len, raw.split(b'"'))) <= string_bytes


def _check_depth(raw: bytes, depth_max: int) -> None:
    """Refuse deep nesting before the decoder recurses into it."""
    if raw.count(b"{") + raw.count(b"[") <= depth_max:
        return
    depth = 0
    for bracket in _BRACKETS.findall(_STRINGS.sub(b"", raw)):
        depth += 1 if bracket in b"[{" else -1
        if depth > depth_max:
            raise FormError(f"nested deeper than {depth_max}")


@lru_cache(maxsize=32)
def _decoder(limits: JsonLimits) -> json.JSONDecoder:
    return json.JSONDecoder(
        object_pairs_hook=_object_of(limits.members),
        parse_int=_integer_of(limits.integer_magnitude),
        parse_float=_fraction,
        parse_constant=_constant,
    )


def _object_of(members_max: int) -> Callable[[list[tuple[str, object]]], dict[str, object]]:
    def read(pairs: list[tuple[str, object]]) -> dict[str, object]:
        members = dict(pairs)
        if len(members) != len(pairs):
            raise DuplicateField("an object names a member twice")
        if len(pairs) > members_max:
            raise FormError(f"an object has more than {members_max} members")
        return members

    return read


def _integer_of(magnitude: int) -> Callable[[str], int]:
    digits_max = len(str(magnitude)) + 1

    def read(text: str) -> int:
        if (
            len(text) > digits_max or text == "-0"
        ):  # The length first: int() of a long text is slow.
            raise FormError("a number is minus zero or out of range")
        value = int(text)
        if not -magnitude <= value <= magnitude:
            raise FormError("a number is out of range")
        return value

    return read


def _fraction(text: str) -> NoReturn:
    value = float(text)
    if isinf(value) or (value == 0 and text.startswith("-")):
        raise FormError("a number is minus zero or out of range")
    raise _FractionSeen


def _constant(_: str) -> NoReturn:
    raise FormError("NaN and infinities are not JSON")


def _refuse_fraction(text: str, limits: JsonLimits) -> NoReturn:
    """Read again with marks in place of fractions, and name the first one's place."""
    decoder = json.JSONDecoder(
        object_pairs_hook=_object_of(limits.members),
        parse_int=_integer_of(limits.integer_magnitude),
        parse_float=_mark_of,
        parse_constant=_constant,
    )
    for pointer, leaf in _leaves(_decode(decoder, text)):
        if isinstance(leaf, _Fraction):
            _refuse(pointer, "must be a whole number, without fraction or exponent")
    raise AssertionError("a fraction was seen and is gone")  # pragma: no cover - unreachable


def _mark_of(text: str) -> _Fraction:
    try:
        _fraction(text)
    except _FractionSeen:
        return _Fraction()


def _check_strings(value: object, string_bytes: int) -> None:
    for pointer, leaf in _leaves(value):
        if not isinstance(leaf, str):
            continue
        if _FORBIDDEN.search(leaf):
            _refuse(pointer, "holds a character that no text here may hold")
        if len(leaf) > string_bytes or len(leaf.encode()) > string_bytes:
            _refuse(pointer, f"must be at most {string_bytes} bytes of UTF-8")


def _refuse(pointer: str, expected: str) -> NoReturn:
    raise InvalidField(expected, faults=(Fault(pointer, InvalidField.code, expected),))


def _leaves(value: object, pointer: str = "") -> Iterator[tuple[str, object]]:
    """Yield each value that is no container, and each member's name, with its JSON pointer.

    A name that is no plain word is left out of the pointer: it might be somebody's number.
    """
    if isinstance(value, dict):
        for name, member in value.items():
            yield pointer, name
            known = pointer_name(name)
            yield from _leaves(member, pointer if known is None else f"{pointer}/{known}")
    elif isinstance(value, list):
        for index, element in enumerate(value):
            yield from _leaves(element, f"{pointer}/{index}")
    else:
        yield pointer, value
