"""Write and read unpadded base64url, each value in its one canonical spelling (RFC 4648, 3.5)."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from binascii import b2a_base64

_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_TEXT = re.compile(r"[A-Za-z0-9_-]*")


def b64url(value: bytes) -> str:
    """Write bytes as unpadded base64url."""
    return b2a_base64(value, newline=False).translate(_URL_SAFE, b"=").decode("ascii")


def unb64url(text: str) -> bytes:
    """Read unpadded base64url.

    Raises:
        ValueError: another alphabet, padding, an impossible length, or spare bits that are set.
    """
    if not _TEXT.fullmatch(text):
        raise ValueError("not unpadded base64url")
    value = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if b64url(value) != text:
        raise ValueError("not canonical base64url")
    return value
