"""A member's endpoint that answers as a test wants, and keeps what rang at it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Reply = Callable[[socket.socket], None]


@dataclass(slots=True, kw_only=True)
class Doorbell:
    """An endpoint on this machine."""

    port: int
    requests: list[bytes] = field(default_factory=list)
    reply: Reply
    connections: int = 0

    @property
    def url(self) -> str:
        """Where it is rung at."""
        return f"http://127.0.0.1:{self.port}/hook"

    def bodies(self) -> list[bytes]:
        """Return the bodies that came, in order."""
        return [request.partition(b"\r\n\r\n")[2] for request in self.requests]

    def headers(self, n: int = -1) -> dict[str, str]:
        """Return the headers of the n-th request, names in lower case."""
        lines = self.requests[n].partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
        return {name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)}


def answers(status: int, *headers: str, body: bytes = b"") -> Reply:
    """Return a reply of this status."""
    head = "\r\n".join([f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers, "", ""])
    return lambda line: line.sendall(head.encode() + body)


@contextmanager
def doorbell(reply: Reply | None = None) -> Iterator[Doorbell]:
    """Serve an endpoint until the block ends."""
    server = socket.create_server(("127.0.0.1", 0))
    bell = Doorbell(port=server.getsockname()[1], reply=reply or answers(204))
    thread = threading.Thread(target=_serve, args=(server, bell), daemon=True)
    thread.start()
    try:
        yield bell
    finally:
        server.close()


def _serve(server: socket.socket, bell: Doorbell) -> None:
    while True:
        try:
            line, _ = server.accept()
        except OSError:
            return
        bell.connections += 1
        threading.Thread(target=_answer, args=(line, bell), daemon=True).start()


def _answer(line: socket.socket, bell: Doorbell) -> None:
    with line, suppress(OSError, ValueError):
        raw = b""
        while b"\r\n\r\n" not in raw:
            raw += line.recv(65_536)
        head, _, body = raw.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        while len(body) < length:
            body += line.recv(65_536)
        bell.requests.append(head + b"\r\n\r\n" + body)
        bell.reply(line)
