"""Cursors: where the reading of a list goes on, bound to the reader, the list and its filter.

In:  a position (text that the list's own statement understands), and what it is bound to.
Out: opaque text, good for a day; whatever else comes back is refused, without saying why.
A MAC binds and hides nothing: a position tells its own reader no more than the row it came from.

The text is base64url of `mac[16] || issued_at[5] || position`, and the MAC covers the binding, the
time and the position, each with its length, so that no two readings share a cursor.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from exchange.domain.base64url import b64url, unb64url
from exchange.errors import InvalidCursor

CURSOR_CHARACTERS_MAX = 600
POSITION_BYTES_MAX = 256

_MAC_BYTES = 16
_TIME_BYTES = 5  # unix seconds, until the year 36812
_LABEL = b"credit-exchange/cursor/v1"

Mac: TypeAlias = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Who reads which list, by which filter: a cursor of one reading opens no other."""

    member: str
    listing: str  # the list's name, such as `webhook_deliveries`
    filter: Mapping[str, str] = field(default_factory=dict)

    def parts(self) -> list[str]:
        """Return everything a cursor of this reading is bound to, in one order."""
        pairs = [part for name in sorted(self.filter) for part in (name, self.filter[name])]
        return [self.member, self.listing, *pairs]


def write_cursor(position: str, reading: Reading, mac: Mac, now: int) -> str:
    """Write where this reading goes on.

    Args:
        position: of the last row shown; at most 256 bytes.
        mac: 16 bytes or more, under a key that only the exchange holds.
        now: unix seconds; the cursor's life begins.

    Raises:
        ValueError: the position is longer than a cursor may carry.
    """
    body = now.to_bytes(_TIME_BYTES, "big") + position.encode()
    if len(body) - _TIME_BYTES > POSITION_BYTES_MAX:
        raise ValueError("a position is at most 256 bytes")
    return b64url(_tag(body, reading, mac) + body)


def read_cursor(text: str, reading: Reading, mac: Mac, now: int, life_seconds: int) -> str:
    """Return the position that a cursor of this reading names.

    Raises:
        InvalidCursor: it was not issued for this member, list and filter, or is too old.
    """
    try:
        raw = unb64url(text) if len(text) <= CURSOR_CHARACTERS_MAX else b""
    except ValueError:
        raw = b""
    tag, body = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
    # Compared in constant time, and before anything in it is looked at.
    if len(body) < _TIME_BYTES or not hmac.compare_digest(tag, _tag(body, reading, mac)):
        raise InvalidCursor(field="cursor")
    if now >= int.from_bytes(body[:_TIME_BYTES], "big") + life_seconds:
        raise InvalidCursor(field="cursor")
    return body[_TIME_BYTES:].decode()


def _tag(body: bytes, reading: Reading, mac: Mac) -> bytes:
    parts = [_LABEL, *(part.encode() for part in reading.parts()), body]
    return mac(b"".join(len(part).to_bytes(4, "big") + part for part in parts))[:_MAC_BYTES]
