"""Write and read unpadded base64url, each value in its one canonical spelling (RFC 4648, 3.5)."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode

_TEXT = re.compile(r"[A-Za-z0-9_-]*")


def b64url(value: bytes) -> str:
    """Write bytes as unpadded base64url."""
    return urlsafe_b64encode(value).rstrip(b"=").decode("ascii")


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
