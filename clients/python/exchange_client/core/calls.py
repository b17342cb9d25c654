"""What a flow asks of the outside and what it gets back.

A flow is a generator: it yields a `Call`, is sent the verified `Reply`, and returns its result.
It opens no connection, reads no clock and signs nothing; the sync and the async client drive the
same flows, so the protocol stands once.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

from exchange_client.core.encoding import JSON, dumps, loads_object
from exchange_client.errors import UnverifiedResponse

T = TypeVar("T")

JSON_TYPE = "application/json"
NDJSON_TYPE = "application/x-ndjson"
PART_TYPE = "application/octet-stream"  # bytes that mean nothing by themselves


def _nothing() -> bytes:
    return b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request. Each try asks `body` anew and is signed anew, under the same client-made ids."""

    method: str
    path: str  # with its query, under the base URL
    body: Callable[[], bytes] = field(default=_nothing, repr=False)
    content_type: str | None = None  # None: no body
    accepted: frozenset[int] = frozenset({200})  # statuses that are a result
    prefer: str | None = None  # RFC 7240
    pause_seconds: float = 0.0  # to wait before the first try


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One response whose signature was verified and bound to our request."""

    status: int
    content_type: str
    body: bytes = field(repr=False)
    replayed: bool  # the exchange had this id before and gave the first result again
    retry_after_seconds: float | None

    def json(self) -> dict[str, JSON]:
        """Read the body as one strict JSON object.

        Raises:
            UnverifiedResponse: it is none.
        """
        try:
            return loads_object(self.body)
        except ValueError as error:
            raise UnverifiedResponse(f"the body is no JSON object: {error}") from error


Flow: TypeAlias = Generator[Call, Reply, T]


def post_json(
    path: str, value: dict[str, object], *, accepted: frozenset[int] = frozenset({200})
) -> Call:
    """Ask to post one JSON object, its bytes fixed now."""
    body = dumps(value)
    return Call(
        method="POST", path=path, body=lambda: body, content_type=JSON_TYPE, accepted=accepted
    )


def get(path: str) -> Call:
    """Ask to fetch a resource."""
    return Call(method="GET", path=path)
