"""Read a plain request in one pass; leave every other one to gunicorn.

In:  what came in on a connection.
Out: a request that has one reading only, ready for the application; or nothing, and gunicorn reads
     the same bytes from their start, takes what is odd and allowed, and refuses the rest.
Plain is: HTTP/1.1, whole in what came in, printable ASCII, each name once, a body as long as digits
say. A test holds both readers equal on whatever this one takes.

gunicorn's reader and writer took a sixth of a query.
"""

from __future__ import annotations

import re
import select
import socket
from functools import lru_cache
from io import BytesIO
from typing import Any

from gunicorn.config import Config  # type: ignore[import-untyped]  # it ships no types
from gunicorn.http.message import _ip_in_allow_list  # type: ignore[import-untyped]  # as above
from gunicorn.http.parser import RequestParser  # type: ignore[import-untyped]  # as above
from gunicorn.http.wsgi import base_environ  # type: ignore[import-untyped]  # as above

READ_BYTES = 65_536  # at once: a query, whole
_LINE_END_BYTES = 2
_LINE = re.compile(r"(GET|POST|PUT|DELETE) (/[!\"$&-~]*) HTTP/1\.1")  # no fragment, no escape
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^`|~-]+")
# They change how a request is framed or answered, or from whom it seems to come.
_ODD = frozenset(
    {
        *("TRANSFER-ENCODING", "EXPECT", "UPGRADE", "HTTP2-SETTINGS", "TRAILER"),
        *("X-FORWARDED-PROTOCOL", "X-FORWARDED-SSL"),
    }
)
_ONE_VALUE = {"CONTENT-TYPE": "CONTENT_TYPE", "CONTENT-LENGTH": "CONTENT_LENGTH"}


class PlainRequest:
    """A plain request, whole; what gunicorn asks of a request, it answers."""

    __slots__ = ("environ", "must_close")

    version = (1, 1)
    headers: tuple[tuple[str, str], ...] = ()  # they stand in the environ

    def __init__(self, environ: dict[str, Any]) -> None:
        self.environ = environ
        self.must_close = False

    @property
    def method(self) -> str:
        """The method, in capitals."""
        return str(self.environ["REQUEST_METHOD"])

    @property
    def uri(self) -> str:
        """The target as it stood in the request line."""
        return str(self.environ["RAW_URI"])

    @property
    def query(self) -> str:
        """What stands behind the path."""
        return str(self.environ["QUERY_STRING"])

    @property
    def body(self) -> BytesIO:
        """The body, whole."""
        body: BytesIO = self.environ["wsgi.input"]
        return body

    def force_close(self) -> None:
        """Let this be the last request of its connection."""
        self.must_close = True

    def should_close(self) -> bool:
        """Tell whether it is the last one."""
        return self.must_close


class PlainParser(RequestParser):  # type: ignore[misc]  # untyped base
    """gunicorn's parser of one connection, which is asked for odd requests alone."""

    mesg: Any  # gunicorn's request under way; None: none, or a plain one

    def __init__(self, cfg: Config, sock: socket.socket, client: object, server: object) -> None:
        super().__init__(cfg, sock, client)
        self._around = _around(cfg, client, server)
        self._trusted = not isinstance(client, tuple) or _ip_in_allow_list(
            client[0], cfg.forwarded_allow_ips, cfg.forwarded_allow_networks()
        )
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)
        self._line_bytes_max = cfg.limit_request_line
        self._fields_max = cfg.limit_request_fields
        self._field_bytes_max = cfg.limit_request_field_size - _LINE_END_BYTES

    def __next__(self) -> Any:
        """Return the next request: a plain one, or gunicorn's.

        Raises:
            StopIteration: the connection is at its end.
        """
        if self.mesg is None or (not self.mesg.should_close() and self.finish_body()):
            self.mesg = None
            received = self.unreader.take_buffered() or self.unreader.sock.recv(READ_BYTES)
            if not received:
                raise StopIteration
            plain = self._plain(received)
            if plain is not None:
                return plain
            self.unreader.unread(received)
        return super().__next__()

    def follows(self, wait_ms: int) -> bool:
        """Wait a moment for the next request; tell whether some of it came."""
        return bool(self.unreader.buf.getvalue() or self._poll.poll(wait_ms))

    def _plain(self, received: bytes) -> PlainRequest | None:
        head, end, body = received.partition(b"\r\n\r\n")
        if not end or not head.isascii():
            return None
        first, *fields = head.decode("ascii").split("\r\n")
        line = _LINE.fullmatch(first)
        if line is None or len(first) > self._line_bytes_max or len(fields) > self._fields_max:
            return None
        environ = self._around.copy()
        if not self._take(fields, environ) or not self._has_one_reading(environ):
            return None
        length = int(environ.get("CONTENT_LENGTH", 0))
        if length > len(body):
            return None
        self.unreader.unread(body[length:])
        environ["REQUEST_METHOD"], environ["RAW_URI"] = line.groups()
        environ["PATH_INFO"], _, environ["QUERY_STRING"] = line[2].partition("?")
        environ["wsgi.input"] = BytesIO(body[:length])
        return PlainRequest(environ)

    def _take(self, fields: list[str], environ: dict[str, Any]) -> bool:
        """Take over the header; tell whether each line of it is plain."""
        for field in fields:
            name, colon, value = field.partition(":")
            key = _key(name)
            if not colon or not key or key in environ or not value.isprintable():
                return False
            if len(field) > self._field_bytes_max:
                return False
            environ[key] = value.strip(" ")
        return True

    def _has_one_reading(self, environ: dict[str, Any]) -> bool:
        """Tell whether length and connection are said plainly; learn the scheme from a proxy."""
        if not environ.get("CONTENT_LENGTH", "0").isdigit():  # In ASCII.
            return False
        if self._trusted and environ.get("HTTP_X_FORWARDED_PROTO") == "https":
            environ["wsgi.url_scheme"] = "https"
        return str(environ.get("HTTP_CONNECTION", "keep-alive")).lower() == "keep-alive"


@lru_cache(maxsize=256)  # clients spell a few dozen names
def _key(name: str) -> str:
    """Return under which key a header of this name stands; "" where it is not plain."""
    upper = name.upper()
    if not _NAME.fullmatch(name) or upper in _ODD:
        return ""
    return _ONE_VALUE.get(upper) or f"HTTP_{upper.replace('-', '_')}"


def _around(cfg: Config, client: object, server: object) -> dict[str, Any]:
    """Return what the application is told alike of all requests of a connection."""
    address = client if isinstance(client, tuple) else (client or "",)
    place = server if isinstance(server, tuple) else ("", "")  # a unix socket has none
    around: dict[str, Any] = base_environ(cfg)
    around |= {
        "wsgi.url_scheme": "http",
        "wsgi.multithread": True,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_NAME": place[0],
        "SERVER_PORT": str(place[1]),
        "SCRIPT_NAME": "",
        "REMOTE_ADDR": address[0],
    }
    if len(address) > 1:
        around["REMOTE_PORT"] = str(address[1])
    return around
