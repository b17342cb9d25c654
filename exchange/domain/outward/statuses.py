"""Status lists: where each grant stands, for holders that ask nobody about it.

In the shape of the IETF draft on Token Status Lists: two bits a grant at an index drawn at random
when it is registered, packed least significant first, compressed with zlib, signed as a JWT of type
`statuslist+jwt`. A list names nobody: an index means something only to who holds the grant.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from enum import IntEnum
from typing import NamedTuple

from consent.grants import GrantState
from exchange.domain.base64url import b64url

STATUS_LIST_TYPE = "statuslist+jwt"
BITS = 2
ENTRIES = 1 << 17  # of one list: 32 KiB before compression
FILLED_MAX = ENTRIES // 2  # then the next list opens, so that a draw finds a free place soon
DRAWS = 24  # all taken in a list that is half full: one registration in 2^24 starts over
TTL_SECONDS = 600  # a holder fetches anew after it
LIFE_SECONDS = 3 * TTL_SECONDS  # and believes no list that is older

_DRAW_BYTES = 4


class Status(IntEnum):
    """What the list says of a grant."""

    VALID = 0
    INVALID = 1
    SUSPENDED = 2


class Place(NamedTuple):
    """Where a grant stands in the lists."""

    list_id: int
    idx: int


_SUSPENDED = frozenset({GrantState.PAUSED, GrantState.REQUESTED})


def status_of(state: GrantState) -> Status:
    """Say what the list says of a grant in this (derived) state."""
    if state is GrantState.ACTIVE:
        return Status.VALID
    return Status.SUSPENDED if state in _SUSPENDED else Status.INVALID


def draw_places(random_bytes: Callable[[int], bytes]) -> list[int]:
    """Draw indices for a new grant; the first that is free becomes its own."""
    drawn = random_bytes(_DRAW_BYTES * DRAWS)
    steps = range(0, len(drawn), _DRAW_BYTES)
    return [int.from_bytes(drawn[at : at + _DRAW_BYTES], "big") % ENTRIES for at in steps]


def pack(statuses: Iterable[tuple[int, Status]]) -> str:
    """Pack (index, status) into the compressed text of a list."""
    packed = bytearray(ENTRIES * BITS // 8)
    for index, status in statuses:
        packed[index >> 2] |= status << 2 * (index & 3)
    return b64url(zlib.compress(bytes(packed), 9))
