"""Ask the small application behind the edge, signed as any member, and check what it signs."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace

from werkzeug.test import TestResponse

from exchange_client.signing import Response as SignedResponse
from exchange_client.signing import SignedRequest, verify_response
from tests.support.edge_app import RESPONSE_KEYID, VALID, EdgeApp, private_key, response_key
from tests.support.signed_requests import Draft, PrivateKey, signed_headers

BASE = "https://exchange.example"
NOW = 1_790_000_000
PINNED = {RESPONSE_KEYID: response_key().public_key().public_bytes_raw()}


@dataclass(slots=True, kw_only=True)
class EdgeClient:
    """The application in this process, with a clock that stands where it is put."""

    now: int = NOW
    world: EdgeApp = field(init=False)

    def __post_init__(self) -> None:
        self.world = EdgeApp(public_base=BASE, clock=lambda: self.now)

    def draft(
        self, method: str = "POST", path: str = "/v1/queries", body: bytes | None = None
    ) -> Draft:
        """Return a request that is right in every part."""
        if body is None:
            body = json.dumps(VALID).encode() if method in ("POST", "PUT") else b""
        return Draft(
            method=method,
            target_uri=BASE + path,
            created=self.now,
            body=body,
            content_type="application/json" if body else None,
        )

    def send(
        self, draft: Draft, *, key: PrivateKey | None = None, **changes: str | None
    ) -> TestResponse:
        """Sign and send a request; `changes` replace or remove headers afterwards."""
        headers = signed_headers(draft, key or private_key(draft.keyid, draft.algorithm))
        return self.send_raw(draft, headers, **changes)

    def send_raw(
        self, draft: Draft, headers: dict[str, str], **changes: str | None
    ) -> TestResponse:
        """Send a request with these headers, changed."""
        changed = {**headers, **{name.replace("_", "-"): one for name, one in changes.items()}}
        return self.world.app.test_client().open(
            draft.target_uri.removeprefix(BASE),
            method=draft.method,
            data=draft.body or None,
            headers={name: one for name, one in changed.items() if one is not None},
        )

    def ask(
        self, method: str = "POST", path: str = "/v1/queries", body: bytes | None = None
    ) -> TestResponse:
        """Sign and send a request that is right in every part."""
        return self.send(self.draft(method, path, body))


def code_of(response: TestResponse) -> str:
    """Return the code of a problem document."""
    assert response.content_type == "application/problem+json"
    return str(response.json["code"]) if response.json else ""


def is_signed(response: TestResponse) -> bool:
    """Tell whether the SDK takes a response as the answer to the request that was sent."""
    sent = response.request.headers
    if "Signature" not in response.headers:
        return False
    headers = {name.lower(): value for name, value in response.headers.items()}
    raw_target = response.request.environ["RAW_URI"]
    request = SignedRequest(
        method=response.request.method,
        target_uri=BASE + raw_target,
        created=NOW,
        content_digest=sent.get("Content-Digest"),
        signature=sent["Signature"].partition("=")[2],
        headers={},
    )
    got = SignedResponse(status=response.status_code, headers=headers, body=response.data)
    verify_response(got, request, PINNED, now=NOW)
    return True


def as_member(draft: Draft, keyid: str, algorithm: str = "ed25519") -> Draft:
    """Return the same request, to be signed by another key."""
    return replace(draft, keyid=keyid, algorithm=algorithm)
