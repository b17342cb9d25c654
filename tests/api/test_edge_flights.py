"""One member cannot take every thread: its requests in flight are counted (security.md, T22)."""

from __future__ import annotations

import io
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

from werkzeug.test import TestResponse

from tests.support.edge_app import FLIGHTS_MAX, private_key
from tests.support.edge_client import BASE, EdgeClient, code_of, is_signed
from tests.support.signed_requests import Draft, digest_of, signed_headers

SECONDS_MAX = 30


class SlowBody(io.BytesIO):
    """A body that arrives when the gate opens; says when the server has begun to wait for it."""

    def __init__(self, body: bytes, gate: threading.Event, waiting: threading.Semaphore) -> None:
        super().__init__(body)
        self._gate, self._waiting = gate, waiting

    def read(self, size: int | None = -1, /) -> bytes:
        """Return what there is, once the gate is open."""
        self._waiting.release()
        assert self._gate.wait(SECONDS_MAX)
        return super().read(size)


def slow(client: EdgeClient, body: SlowBody, draft: Draft) -> TestResponse:
    """Send a signed request whose body takes its time."""
    return client.world.app.test_client().open(
        draft.target_uri.removeprefix(BASE),
        method=draft.method,
        input_stream=body,
        headers=signed_headers(draft, private_key(draft.keyid, draft.algorithm))
        | {"Content-Length": str(len(draft.body))},
    )


def test_the_ninth_request_in_flight_is_refused_and_the_next_one_is_not() -> None:
    """A member's slow bodies cost the others nothing, and itself only while they last."""
    client, gate, waiting = EdgeClient(), threading.Event(), threading.Semaphore(0)
    with ThreadPoolExecutor(FLIGHTS_MAX) as pool:
        flying: list[Future[TestResponse]] = []
        for _ in range(FLIGHTS_MAX):
            draft = client.draft()
            flying.append(pool.submit(slow, client, SlowBody(draft.body, gate, waiting), draft))
        for _ in flying:
            assert waiting.acquire(timeout=SECONDS_MAX)

        refused = client.ask()
        other = client.draft("POST", "/v1/batches", b"{}\n")
        taken = client.send(as_other(other))
        gate.set()
        answered = [one.result(SECONDS_MAX).status_code for one in flying]

    assert (429, "quota.spent", "1") == (
        refused.status_code,
        code_of(refused),
        refused.headers["Retry-After"],
    )
    assert is_signed(refused)
    assert 200 == taken.status_code
    assert [200] * FLIGHTS_MAX == answered
    assert 200 == client.ask().status_code


def test_a_request_that_is_refused_or_fails_has_landed() -> None:
    """Whatever becomes of a request, its place is free afterwards."""
    client = EdgeClient()
    for _ in range(FLIGHTS_MAX + 1):
        assert 500 == client.ask("GET", "/v1/faults/bug").status_code
        assert 422 == client.ask(body=b"{}").status_code
        tampered = client.send(client.draft(), Content_Digest=digest_of(b"other bytes"))
        assert 401 == tampered.status_code

    assert 200 == client.ask().status_code


def as_other(draft: Draft) -> Draft:
    """Return the same request of another member, as a file."""
    return replace(draft, keyid="member-c/k1", content_type="application/x-ndjson")
