"""Read a signed status list: whether a grant that one holds still stands, without asking about it.

    listed = verify_list(token, pins)
    listed.status(idx)            Status.VALID · INVALID · SUSPENDED

In:  a list as the exchange published it (a file will do), and the pins. No connection is needed.
Out: a StatusList, or ReceiptInvalid. The list names nobody: `idx` came with the registration.
Source: IETF draft on Token Status Lists; two bits each, least significant first, zlib.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from enum import IntEnum

from exchange_client.core.encoding import JSON, loads_object, unb64url
from exchange_client.errors import ReceiptInvalid
from exchange_client.pins import Pins
from exchange_client.signing import open_jws

STATUS_LIST_TYPE = "statuslist+jwt"
LIST_BYTES_MAX = 1 << 20
AHEAD_SECONDS_MAX = 30

_BITS = 2


class Status(IntEnum):
    """What a list says of a grant."""

    VALID = 0
    INVALID = 1
    SUSPENDED = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusList:
    """A verified list."""

    uri: str
    issued_at: int  # unix seconds
    expires: int
    ttl_seconds: int  # fetch it anew after so long
    packed: bytes = field(repr=False)

    def status(self, idx: int) -> Status:
        """Return the status at an index.

        Raises:
            ReceiptInvalid: the list has no such index, or says what nobody has defined.
        """
        if not 0 <= idx < len(self.packed) * 8 // _BITS:
            raise ReceiptInvalid("the list has no such index")
        try:
            return Status(self.packed[idx >> 2] >> _BITS * (idx & 3) & 3)
        except ValueError as error:
            raise ReceiptInvalid("the list says what this version does not know") from error


def verify_list(token: str, pins: Pins, *, now: int, uri: str | None = None) -> StatusList:
    """Verify a list under the pinned keys.

    Args:
        token: compact JWS as it was published.
        now: unix seconds; a list past its end is no list.
        uri: the list that was asked for, where one was.

    Raises:
        ReceiptInvalid: another signer, another list, too old, or not of the form.
    """
    payload = open_jws(token, STATUS_LIST_TYPE, pins.keys_of("statement"), bytes_max=LIST_BYTES_MAX)
    try:
        claims = loads_object(payload)
    except ValueError as error:
        raise ReceiptInvalid("the list is no JSON object") from error
    issued_at, expires, ttl = (_whole(claims.get(name)) for name in ("iat", "exp", "ttl"))
    sub, body = claims.get("sub"), claims.get("status_list")
    if claims.get("iss") != pins.exchange or not isinstance(sub, str):
        raise ReceiptInvalid("the list is of another exchange")
    if uri is not None and sub != uri:
        raise ReceiptInvalid("this is another list")
    if issued_at > now + AHEAD_SECONDS_MAX or now >= expires:
        raise ReceiptInvalid("the list is too old, or of the future")
    return StatusList(
        uri=sub, issued_at=issued_at, expires=expires, ttl_seconds=ttl, packed=_unpack(body)
    )


def _whole(value: JSON) -> int:
    if type(value) is not int:
        raise ReceiptInvalid("iat, exp and ttl must be whole seconds")
    return value


def _unpack(body: JSON) -> bytes:
    if not isinstance(body, dict) or body.get("bits") != _BITS:
        raise ReceiptInvalid("the list is not of two bits a grant")
    text = body.get("lst")
    try:
        compressed = unb64url(text) if isinstance(text, str) else b""
        reader = zlib.decompressobj()
        packed = reader.decompress(compressed, LIST_BYTES_MAX)
    except (ValueError, zlib.error) as error:
        raise ReceiptInvalid("the list does not unpack") from error
    if not reader.eof or reader.unused_data:
        raise ReceiptInvalid("the list unpacks to more than it may")
    return packed
