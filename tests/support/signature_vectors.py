"""The vectors of signed messages, typed once for the tests of server and SDK."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypedDict

VECTORS = Path(__file__).parents[1] / "vectors"


class RequestVector(TypedDict):
    """One signed request of the vectors."""

    name: str
    method: str
    target_uri: str
    body: str
    content_type: str | None
    content_digest: str | None
    created: int
    nonce: str
    keyid: str
    label: str
    signature_input: str
    signature: str
    base: str


class ResponseVector(TypedDict):
    """One signed response of the vectors."""

    request: str
    status: int
    body: str
    content_type: str | None
    content_digest: str | None
    created: int
    signature_input: str
    signature: str
    base: str


class RefusedVector(TypedDict):
    """One altered request of the vectors."""

    why: str
    code: str
    request: str
    changes: dict[str, str | None]


class KeyVector(TypedDict):
    """One key; its private half is SHA-256 of the seed text."""

    algorithm: str
    seed_text: str
    public: str  # hexadecimal


class PossessionVector(TypedDict):
    """One proof that a member holds the private half of its key."""

    origin: str
    keyid: str
    text: str
    signature: str  # hexadecimal


_OURS = json.loads((VECTORS / "request_signatures_v1.json").read_text())
KEYS: dict[str, KeyVector] = _OURS["keys"]
REQUESTS: dict[str, RequestVector] = {one["name"]: one for one in _OURS["requests"]}
RESPONSES: list[ResponseVector] = _OURS["responses"]
REFUSED: list[RefusedVector] = _OURS["refused"]
POSSESSION: list[PossessionVector] = _OURS["possession"]
RESPONSE_KEY = "test-response-1"
