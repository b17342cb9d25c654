"""The two spellings of bytes on the wire and strict JSON: one way to write each, no other read."""

from __future__ import annotations

import base64
import binascii
import json
import re
import unicodedata
from collections.abc import Mapping
from typing import TypeAlias

JSON: TypeAlias = "bool | int | str | list[JSON] | dict[str, JSON] | None"

_B64URL = re.compile(r"[A-Za-z0-9_-]*")


def b64url(value: bytes) -> str:
    """Write bytes as unpadded base64url."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def unb64url(text: object) -> bytes:
    """Read unpadded base64url in its one canonical spelling.

    Raises:
        ValueError: anything else.
    """
    if not isinstance(text, str) or not _B64URL.fullmatch(text):
        raise ValueError("not unpadded base64url")
    try:
        value = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as error:
        raise ValueError("not unpadded base64url") from error
    if b64url(value) != text:  # The last character has bits to spare: only zeros are canonical.
        raise ValueError("not canonical base64url")
    return value


def standard_base64(value: bytes) -> str:
    """Write bytes as the access log does: standard base64, padded."""
    return base64.b64encode(value).decode()


def dumps(value: Mapping[str, object] | list[object]) -> bytes:
    """Write compact JSON in UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def loads(text: bytes | str) -> JSON:
    """Read strict JSON: no name twice, no NaN, no float.

    Raises:
        ValueError: anything else.
    """
    try:
        value: JSON = json.loads(
            text, object_pairs_hook=_unique, parse_float=_no_float, parse_constant=_no_float
        )
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return value


def loads_object(text: bytes | str) -> dict[str, JSON]:
    """Read one strict JSON object.

    Raises:
        ValueError: anything else.
    """
    value = loads(text)
    if not isinstance(value, dict):
        raise ValueError("must be an object")
    return value


def printable(text: str, *, characters_max: int = 300) -> str:
    """Make text from outside safe to show on a terminal: no control or direction characters."""
    shown = "".join("·" if unicodedata.category(c)[0] == "C" else c for c in text)
    return shown[:characters_max]


def _unique(pairs: list[tuple[str, JSON]]) -> dict[str, JSON]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name stands twice")
    return value


def _no_float(text: str) -> JSON:
    raise ValueError("only integers are numbers here")
