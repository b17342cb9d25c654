"""Ids that the member makes before it sends: UUIDv7, with a prefix that says what they name.

The same id again is the same request: that is what makes retries safe.
Source: RFC 9562, section 5.7.
"""

from __future__ import annotations

import os
import re
import time

from exchange_client.errors import UsageError

_HEX = r"[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}"
_ID = re.compile(rf"(bat|dsb|dsp|evt|gnt|opn|prg|qry|rec|sta|wch|whk)_{_HEX}")


def new_id(prefix: str) -> str:
    """Make an id of this kind, e.g. `qry_0192f3…`."""
    tail = int.from_bytes(os.urandom(10), "big")
    value = (time.time_ns() // 1_000_000 & (1 << 48) - 1) << 80 | 0x7 << 76
    value |= (tail >> 62 & 0xFFF) << 64 | 0b10 << 62 | tail & (1 << 62) - 1
    return f"{prefix}_{value:032x}"


def check_id(prefix: str, text: str) -> str:
    """Return the id if it is one of this kind.

    Raises:
        UsageError: it is not.
    """
    if not _ID.fullmatch(text) or not text.startswith(f"{prefix}_"):
        raise UsageError(f"must be {prefix}_ and the 32 hex digits of a UUIDv7")
    return text
