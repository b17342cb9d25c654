"""How requests, responses and failures of the HTTP library look to us."""

from __future__ import annotations

import time
from typing import Final, TypedDict

import httpx2

from exchange_client.core.session import Outgoing
from exchange_client.errors import Unreachable, UnverifiedResponse
from exchange_client.signing import Response

BODY_BYTES_MAX: Final = 256 << 20  # a regulator's export is the longest by far
BYTES_A_SECOND_MIN: Final = 16 << 10  # of a body that takes longer than a whole call may


class Asked(TypedDict):
    """One try, in the words of the library."""

    method: str
    url: str
    content: bytes | None
    headers: dict[str, str]
    timeout: float  # seconds, of each wait


def asked(outgoing: Outgoing, seconds: float) -> Asked:
    """Say what is asked; a packed answer is not, for it could unpack to any length."""
    return {
        "method": outgoing.method,
        "url": outgoing.url,
        "content": outgoing.body or None,
        "headers": {**outgoing.headers, "Accept-Encoding": "identity"},
        "timeout": seconds,
    }


class Incoming:
    """One response while its body comes in. Nobody has signed it yet: its length and time end."""

    def __init__(self, response: httpx2.Response, seconds: float) -> None:
        """Begin to read.

        Args:
            seconds: that any body may take; a long one may take more, but not be slow.

        Raises:
            UnverifiedResponse: the body is packed.
        """
        if response.headers.get("content-encoding", "identity") != "identity":
            raise UnverifiedResponse("the body is packed, which nobody asked for")
        self._response = response
        self._body = bytearray()
        self._ends = time.monotonic() + seconds

    def add(self, part: bytes) -> None:
        """Take what came in.

        Raises:
            UnverifiedResponse: the body is too long. Unreachable: it comes in too slowly.
        """
        self._body += part
        if len(self._body) > BODY_BYTES_MAX:
            raise UnverifiedResponse(f"the body is longer than {BODY_BYTES_MAX} bytes")
        if time.monotonic() > self._ends + len(self._body) / BYTES_A_SECOND_MIN:
            raise Unreachable("the exchange answers too slowly")

    def whole(self) -> Response:
        """Return what came in; a header that stands twice is joined, as RFC 9110 has it."""
        headers = {name.lower(): value for name, value in self._response.headers.items()}
        return Response(status=self._response.status_code, headers=headers, body=bytes(self._body))


def unreachable(error: httpx2.RequestError) -> Unreachable:
    """Return our error for one of the network's; its name says enough."""
    return Unreachable(f"the exchange could not be reached ({type(error).__name__})")
