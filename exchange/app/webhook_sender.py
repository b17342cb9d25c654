"""Ring once at a member's endpoint, and trust nothing on the way (security.md, T9).

    1 resolve the name once; every address it has must be public
    2 connect to the first of them: the name is not looked up again, so it cannot flip
    3 TLS 1.2 or newer, the certificate checked against the name
    4 send; read the status and no more than the reply's limit, all within one deadline
Redirects are an answer like any other, and not followed. The answer's body is not kept.
"""

from __future__ import annotations

import io
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as LookupTimeout
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from ipaddress import ip_address
from typing import cast

from exchange.domain.outward.addresses import is_public
from exchange.domain.outward.endpoints import Endpoint
from exchange.services.webhooks.ports import Answered

_READ_BYTES = 4_096

Resolve = Callable[[str, int], list[str]]  # addresses of a name, in the resolver's order


def resolve(host: str, port: int) -> list[str]:
    """Ask the system's resolver.

    Raises:
        OSError: there is no such name, or no answer.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(one[4][0]) for one in found]


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSender:
    """Sends one doorbell at a time; safe to share between threads."""

    seconds_max: float
    reply_bytes_max: int
    loopback: bool  # a sandbox may ring on its own machine
    lookups: ThreadPoolExecutor  # the system's resolver knows no deadline
    tls: ssl.SSLContext
    resolve: Resolve = resolve
    monotonic: Callable[[], float] = time.monotonic

    def __call__(self, endpoint: Endpoint, headers: Mapping[str, str], body: bytes) -> Answered:
        """Ring once; whatever goes wrong is an outcome and no error."""
        deadline = self.monotonic() + self.seconds_max
        try:
            address = self._address(endpoint, deadline)
            if address is None:
                return Answered(None, "address")
            return Answered(
                self._send(endpoint, address, _request(endpoint, headers, body), deadline), None
            )
        except (TimeoutError, LookupTimeout):
            return Answered(None, "timeout")
        except ssl.SSLError:
            return Answered(None, "tls")
        except socket.gaierror:
            return Answered(None, "name")
        except (OSError, HTTPException, ValueError):
            return Answered(None, "connection")

    def _address(self, endpoint: Endpoint, deadline: float) -> str | None:
        """Return the address to connect to, None where any of the name's is not public."""
        pending: Future[list[str]] = self.lookups.submit(self.resolve, endpoint.host, endpoint.port)
        found = pending.result(timeout=self._left(deadline))
        allowed = [self._may_ring(text) for text in found]
        return found[0] if found and all(allowed) else None

    def _may_ring(self, text: str) -> bool:
        try:
            address = ip_address(text)
        except ValueError:
            return False
        return is_public(address) or (self.loopback and address.is_loopback)

    def _send(self, endpoint: Endpoint, address: str, request: bytes, deadline: float) -> int:
        with socket.create_connection(
            (address, endpoint.port), timeout=self._left(deadline)
        ) as plain:
            if not endpoint.secure:
                return self._exchange(plain, request, deadline)
            plain.settimeout(self._left(deadline))
            with self.tls.wrap_socket(plain, server_hostname=endpoint.host) as secured:
                return self._exchange(secured, request, deadline)

    def _exchange(self, line: socket.socket, request: bytes, deadline: float) -> int:
        line.settimeout(self._left(deadline))
        line.sendall(request)
        reply = _Reply(line, lambda: self._left(deadline), self.reply_bytes_max)
        # The library parses the head; the deadline and the limit are ours, at every read.
        response = HTTPResponse(cast("socket.socket", reply), method="POST")
        response.begin()
        return response.status

    def _left(self, deadline: float) -> float:
        left = deadline - self.monotonic()
        if left <= 0:
            raise TimeoutError("the try took too long")
        return left


class _Reply(io.RawIOBase):
    """What an endpoint answers, read up to a limit and before a deadline."""

    def __init__(self, line: socket.socket, left: Callable[[], float], bytes_max: int) -> None:
        super().__init__()
        self._line = line
        self._left = left
        self._bytes_left = bytes_max

    def makefile(self, mode: str) -> io.BufferedReader:
        """Return the stream that the parser reads."""
        return io.BufferedReader(self, _READ_BYTES)

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # narrower: the library's own buffer
        """Read what is there."""
        if self._bytes_left <= 0:
            raise OSError("the answer is too long")
        self._line.settimeout(self._left())
        count = self._line.recv_into(buffer[: self._bytes_left])
        self._bytes_left -= count
        return count


def _request(endpoint: Endpoint, headers: Mapping[str, str], body: bytes) -> bytes:
    lines = [
        f"POST {endpoint.target} HTTP/1.1",
        f"Host: {endpoint.authority}",
        "User-Agent: credit-exchange-webhooks",
        "Accept-Encoding: identity",
        "Connection: close",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body
