"""What a request must look like before anything is verified or parsed: sizes, types, target.

In:  the WSGI environment, as the server filled it.
Out: the parts of the request that a signature speaks of, and the body, byte for byte.
The Host header is never read: the target is the configured public base and the raw target.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Protocol, cast

from exchange.crypto.messages import RequestParts
from exchange.domain.members import Role
from exchange.errors import (
    DuplicateHeader,
    FormError,
    LengthRequired,
    MethodNotAllowed,
    RequestTimeout,
    TooLarge,
    TransportError,
    WrongMediaType,
)

Environ = Mapping[str, object]

JSON_TYPE = "application/json"
LINES_TYPE = "application/x-ndjson"
CSV_TYPE = "text/csv"
PART_TYPE = "application/octet-stream"  # a part of a file means nothing by itself
FILE_TYPES = (LINES_TYPE, CSV_TYPE, "application/gzip", "application/zstd", PART_TYPE)
METHODS = ("GET", "POST", "PUT", "DELETE")  # of signed routes
OPEN_METHODS = (*METHODS, "HEAD")  # of the named routes that need no signature

_TARGET = re.compile(r"/(?!/)[!\"$-~]*")  # neither space nor fragment nor second slash
_LENGTH = re.compile(r"[0-9]{1,12}")
_REQUEST_ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


class Body(Enum):
    """What a route takes as its body."""

    NONE = "none"
    JSON = "json"
    QUERY_LINES = "query lines"
    RECORD_FILE = "record file"
    EVIDENCE = "evidence"  # hashed, never kept


_MEDIA = {Body.JSON: (JSON_TYPE,), Body.RECORD_FILE: FILE_TYPES, Body.EVIDENCE: (PART_TYPE,)}


class Nonce(Enum):
    """Where a request's nonce is spent."""

    AT_THE_EDGE = "before the route runs"
    BY_THE_SERVICE = "in the service's own transaction, else at the end of the request"


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutePolicy:
    """What a signed route asks of a request."""

    roles: frozenset[Role]  # any of them; empty means every active member
    body: Body = Body.NONE
    nonce: Nonce = Nonce.AT_THE_EDGE


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyLimits:
    """How long bodies may be, in bytes."""

    json_bytes_max: int = 64 * 1024
    query_lines_bytes_max: int = 2 * 1024 * 1024
    record_file_bytes_max: int = 64 * 1024 * 1024

    def of(self, body: Body) -> int:
        """Return the limit of one kind of body."""
        if body is Body.JSON:
            return self.json_bytes_max
        if body is Body.QUERY_LINES:
            return self.query_lines_bytes_max
        return 0 if body is Body.NONE else self.record_file_bytes_max


class _Stream(Protocol):
    def read(self, size: int, /) -> bytes: ...


def request_id(environ: Environ) -> str | None:
    """Return the request id the client gave, if it is at most 64 safe characters."""
    given = _header(environ, "HTTP_CX_REQUEST_ID")
    return given if given is not None and _REQUEST_ID.fullmatch(given) else None


def peer_of(environ: Environ, proxies: frozenset[str]) -> str:
    """Return the address that asks: the proxy's word is taken only from our own proxies."""
    # A unix socket has no address: whoever speaks there is on this machine.
    address = _header(environ, "REMOTE_ADDR") or "127.0.0.1"
    forwarded = _header(environ, "HTTP_X_FORWARDED_FOR")
    if forwarded and address in proxies:
        return forwarded.rpartition(",")[2].strip()
    return address


def check_method(environ: Environ, allowed: tuple[str, ...]) -> None:
    """Refuse a method that is not spelled exactly as one of these.

    Raises:
        MethodNotAllowed: it is another, or one of them in lower case.
    """
    if environ["REQUEST_METHOD"] not in allowed:
        raise MethodNotAllowed(f"one of: {', '.join(allowed)}")


def announced_bytes(environ: Environ) -> int:
    """Return the length of the body as announced, 0 where there is none.

    Raises:
        LengthRequired: the body has no length of its own (chunked).
        DuplicateHeader: two lengths are announced.
        FormError: the length is not a plain number.
    """
    if "HTTP_TRANSFER_ENCODING" in environ:
        raise LengthRequired("a body needs a Content-Length; chunked bodies are not taken")
    length = _header(environ, "CONTENT_LENGTH") or "0"
    if not _LENGTH.fullmatch(length):
        if "," in length:
            raise DuplicateHeader("Content-Length stands twice")
        raise FormError("Content-Length is not a plain number")
    return int(length)


def announced_or_zero(environ: Environ) -> int:
    """Return the announced length for the log, 0 where it cannot be read."""
    try:
        return announced_bytes(environ)
    except (FormError, LengthRequired):
        return 0


def check_body(environ: Environ, policy: RoutePolicy, limits: BodyLimits) -> int:
    """Check type, encoding and length of the body against the route; return the length.

    Raises:
        TransportError: the route takes no body, or not this one.
        FormError: the length cannot be read.
    """
    length = announced_bytes(environ)
    if policy.body is Body.NONE:
        if length:
            raise TransportError("this route takes no body")
        return 0
    if not _header(environ, "CONTENT_LENGTH"):
        raise LengthRequired
    expected = _MEDIA.get(policy.body, (LINES_TYPE,))
    given = _header(environ, "CONTENT_TYPE")
    if given not in expected:
        if given is not None and "," in given:
            raise DuplicateHeader("Content-Type stands twice")
        raise WrongMediaType(f"this route takes {' or '.join(expected)}, without parameters")
    if _header(environ, "HTTP_CONTENT_ENCODING") is not None:
        raise WrongMediaType("this route takes no content encoding")
    if length > limits.of(policy.body):
        raise TooLarge(f"the body may be at most {limits.of(policy.body)} bytes")
    return length


def raw_target(environ: Environ) -> str:
    """Return the target as it stood in the request line.

    Raises:
        FormError: it is no plain path and query (absolute form, fragment, `//`).
    """
    # gunicorn's name, then that of the development server and the test client.
    target = _header(environ, "RAW_URI") or _header(environ, "REQUEST_URI") or ""
    if not _TARGET.fullmatch(target):
        raise FormError("the target must be a path and a query")
    return target


def request_parts(environ: Environ, public_base: str) -> RequestParts:
    """Gather what a signature may speak of.

    Raises:
        FormError: the target is no plain path and query.
    """
    return RequestParts(
        method=cast("str", environ["REQUEST_METHOD"]),
        target_uri=public_base + raw_target(environ),
        content_digest=_header(environ, "HTTP_CONTENT_DIGEST"),
        content_type=_header(environ, "CONTENT_TYPE") or None,
        signature_input=_header(environ, "HTTP_SIGNATURE_INPUT"),
        signature=_header(environ, "HTTP_SIGNATURE"),
        has_body=(_header(environ, "CONTENT_LENGTH") or "0") != "0",
    )


def read_body(environ: Environ, length: int) -> bytes:
    """Read exactly the announced body.

    Raises:
        FormError: the client sent less.
        RequestTimeout: it paused longer than the server waits.
    """
    if not length:
        return b""
    stream = cast("_Stream", environ["wsgi.input"])
    chunks: list[bytes] = []
    missing = length
    try:
        while missing and (chunk := stream.read(missing)):
            chunks.append(chunk)
            missing -= len(chunk)
    except (TimeoutError, BlockingIOError) as error:  # the kernel says it as "would block"
        raise RequestTimeout("the body stopped in the middle") from error
    if missing:
        raise FormError("the body is shorter than its Content-Length")
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _header(environ: Environ, name: str) -> str | None:
    value: str | None = environ.get(name)  # type: ignore[assignment]  # texts, as WSGI says
    return value
