"""How responses and failures of the HTTP library look to us."""

from __future__ import annotations

import httpx2

from exchange_client.errors import Unreachable
from exchange_client.signing import Response


def response_of(response: httpx2.Response) -> Response:
    """Return what came in; a header that stands twice is joined, as RFC 9110 has it."""
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Response(status=response.status_code, headers=headers, body=response.content)


def unreachable(error: httpx2.TransportError) -> Unreachable:
    """Return our error for one of the network's; its name says enough."""
    return Unreachable(f"the exchange could not be reached ({type(error).__name__})")
