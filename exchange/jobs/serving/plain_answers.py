"""Write a whole answer in one piece; leave every other one to gunicorn.

In:  what the application said of its answer, and its body.
Out: one write: status, headers and body; gunicorn's writer takes two, and three times the time.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable
from email.utils import formatdate
from functools import lru_cache

from gunicorn import SERVER  # type: ignore[import-untyped]  # it ships no types

from exchange.jobs.serving.plain_requests import PlainRequest


class Started:
    """What the application says before it hands over the body: the `start_response` of WSGI."""

    __slots__ = ("headers", "status")

    def __init__(self) -> None:
        self.status = ""
        self.headers: list[tuple[str, str]] = []

    def __call__(
        self, status: str, headers: list[tuple[str, str]], exc_info: object = None
    ) -> None:
        """Take status and headers."""
        self.status, self.headers = status, headers


def write_plainly(
    sock: socket.socket, req: PlainRequest, started: Started, parts: Iterable[bytes]
) -> bool:
    """Write an answer that is whole, 200 and of a length it tells; say whether it was one."""
    if not isinstance(parts, tuple) or len(parts) != 1 or started.status != "200 OK":
        return False
    head = "".join([f"{name}: {value}\r\n" for name, value in started.headers])
    lines = head.count("\n")
    if lines != len(started.headers) or lines != head.count("\r") or "Content-Length: " not in head:
        return False  # gunicorn's writer refuses what would be two lines.
    connection = "close" if req.must_close else "keep-alive"
    first = f"HTTP/1.1 200 OK\r\n{_stamp(int(time.time()))}Connection: {connection}\r\n"
    sock.sendall(f"{first}{head}\r\n".encode("latin-1") + parts[0])
    return True


@lru_cache(maxsize=2)
def _stamp(now: int) -> str:
    """Return the lines that are alike for all answers of a second."""
    return f"Server: {SERVER}\r\nDate: {formatdate(now, usegmt=True)}\r\n"
