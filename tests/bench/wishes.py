"""Requests made and signed before the clock runs: distinct ids, nonces and subjects."""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Sequence
from uuid import UUID

from exchange.domain.base64url import b64url
from exchange.domain.ids import show, uuid7
from exchange_client.signing import Request, sign_request
from tests.demo.scene import Scene

QUERIES, BATCHES = "/v1/queries", "/v1/query-batches"


class Wishes:
    """What one member asks, as bytes ready to send. A signature is good for a minute."""

    def __init__(
        self, scene: Scene, member: str, subjects: Sequence[tuple[bytes, UUID | None]]
    ) -> None:
        self._base = scene.base_url
        self._key = scene.key(member)
        self._subjects = subjects  # token and grant, where there is one
        self._next = 0

    def singles(self, count: int) -> list[bytes]:
        """Return signed single queries."""
        return [self._signed(QUERIES, self._body(), "application/json") for _ in range(count)]

    def batches(self, count: int, size: int) -> list[bytes]:
        """Return signed batches of queries."""
        bodies = [b"".join(self._body() + b"\n" for _ in range(size)) for _ in range(count)]
        return [self._signed(BATCHES, body, "application/x-ndjson") for body in bodies]

    def upload(self, content: bytes) -> bytes:
        """Return a signed upload of a record file."""
        return self._signed("/v1/batches", content, "application/x-ndjson")

    def echoes(self, count: int) -> list[bytes]:
        """Return unsigned requests to the echo with a query's sizes, headers included."""
        length = len(self._signed(QUERIES, self._body(), "application/json"))
        text = json.dumps({"text": "x" * (len(self._body()) - 11)}).encode()
        head = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        head += b"Content-Length: %d\r\n" % len(text)
        padding = max(0, length - len(head) - len(text) - 12)
        return [head + b"X-Pad: " + b"p" * padding + b"\r\n\r\n" + text] * count

    def _body(self) -> bytes:
        token, grant = self._subjects[self._next % len(self._subjects)]
        self._next += 1
        body = {
            "query_id": show("qry", uuid7(time.time_ns() // 1_000_000, os.urandom)),
            "epoch": "ep_1",
            "tokens": [{"kind": "identity", "value": b64url(token)}],
            "purpose": "credit_application",
            **({"grant_id": show("gnt", grant)} if grant else {}),
            "operator": f"op-{self._next % 997}",
            "application_ref": f"app-{self._next}",
        }
        return json.dumps(body, separators=(",", ":")).encode()

    def _signed(self, path: str, body: bytes, content_type: str) -> bytes:
        request = Request(
            method="POST",
            target_uri=f"{self._base}{path}",
            body=body,
            content_type=content_type,
        )
        signed = sign_request(
            request, self._key, created=int(time.time()), nonce=secrets.token_urlsafe(18)
        )
        headers = "".join(f"{name}: {value}\r\n" for name, value in signed.headers.items())
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
        return head.encode() + body
