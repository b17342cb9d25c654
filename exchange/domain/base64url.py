"""Write and read unpadded base64url, each value in its one canonical spelling (RFC 4648, 3.5)."""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64

_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_STANDARD = bytes.maketrans(b"-_+/=", b"+/***")  # what is not of the alphabet stays outside it
_PADDING = (b"", b"", b"==", b"=")  # by the length of the text, modulo 4
# The last character of a text that spares no bits: two letters hold 8 of 12, three 16 of 18.
_LAST = ("", "", "AQgw", "AEIMQUYcgkosw048")


def b64url(value: bytes) -> str:
    """Write bytes as unpadded base64url."""
    return b64url_bytes(value).decode("ascii")


def b64url_bytes(value: bytes) -> bytes:
    """Write bytes as the ASCII bytes of unpadded base64url."""
    return b2a_base64(value, newline=False).rstrip(b"=").translate(_URL_SAFE)


def unb64url(text: str) -> bytes:
    """Read unpadded base64url.

    Raises:
        ValueError: another alphabet, padding, an impossible length, or spare bits that are set.
    """
    spare = len(text) % 4
    if spare and text[-1] not in _LAST[spare]:
        raise ValueError("not canonical base64url")
    return a2b_base64(text.encode("ascii").translate(_STANDARD) + _PADDING[spare], strict_mode=True)
