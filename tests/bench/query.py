"""The query's figures: against a bare echo, at the tail, and in batches."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from exchange.crypto.keyring import load_keyring
from exchange.domain.base64url import b64url
from exchange.domain.ids import show, uuid7
from exchange_client.keys import KeyFile
from exchange_client.signing import Request, sign_request
from tests.bench import stock
from tests.bench.load import Load, drive
from tests.bench.report import measure, percentile, report
from tests.demo.scene import Scene, free_port, sandbox

ROUNDS = 5
CONNECTIONS = 8
BATCH = 500
ASKER, CONTRIBUTOR = "lender-a", "lender-b"


def bench_query(records: int, requests: int) -> dict[str, object]:
    """Measure single queries beside an echo, and batches beside single queries."""
    with sandbox() as scene, echo_server() as echo_port:
        database_url = scene.database_url()
        keyring = load_keyring(scene.members.parent / "keyring.json")
        subjects = stock.tokens(records)
        stock.load_records(database_url, keyring, subjects, member=CONTRIBUTOR)
        asked = subjects[: min(records, 20_000)]
        grants = stock.load_grants(database_url, keyring, asked, member=ASKER)
        wishes = _Wishes(scene, list(zip(asked, grants, strict=True)))
        drive(scene.port, wishes.singles(200), connections=CONNECTIONS)  # warm
        drive(echo_port, wishes.echoes(200), connections=CONNECTIONS)
        singles, echoes, batches = [], [], []
        for number in range(ROUNDS):
            print(f"round {number + 1} of {ROUNDS}", file=sys.stderr)
            echoes.append(drive(echo_port, wishes.echoes(requests), connections=CONNECTIONS))
            prepared = wishes.singles(requests)
            singles.append(drive(scene.port, prepared, connections=CONNECTIONS))
            batches.append(drive(scene.port, wishes.batches(4), connections=2))
    return _report(singles, echoes, batches, records)


def _report(
    singles: list[Load], echoes: list[Load], batches: list[Load], records: int
) -> dict[str, object]:
    pairs = list(zip(singles, echoes, strict=True))
    tail = [percentile(one.latencies, 0.99) / percentile(one.latencies, 0.5) for one in singles]
    per_single = [
        batch.rate * BATCH / one.rate for batch, one in zip(batches, singles, strict=True)
    ]
    return report(
        "query",
        {
            "query_per_echo": measure([one.rate / echo.rate for one, echo in pairs], "ratio"),
            "queries_per_s": measure([one.rate for one in singles], "1/s"),
            "query_p50_ms": measure(
                [1e3 * percentile(one.latencies, 0.5) for one in singles], "ms"
            ),
            "p99_per_p50": measure(tail, "ratio"),
            "batch_query_per_single": measure(per_single, "ratio"),
            "generator_cpu_share": measure(
                [one.generator_cpu_seconds / one.seconds for one in singles], "cores"
            ),
        },
        records=records,
        connections=CONNECTIONS,
        batch=BATCH,
        durable=True,
    )


class _Wishes:
    """Requests made and signed before the clock runs."""

    def __init__(self, scene: Scene, subjects: list[tuple[bytes, UUID]]) -> None:
        self._scene = scene
        self._key: KeyFile = scene.key(ASKER)
        self._subjects = subjects
        self._next = 0

    def singles(self, count: int) -> list[bytes]:
        """Return signed single queries."""
        return [self._signed("/v1/queries", self._body(), "application/json") for _ in range(count)]

    def batches(self, count: int) -> list[bytes]:
        """Return signed batches of queries."""
        return [
            self._signed(
                "/v1/query-batches",
                b"".join(self._body() + b"\n" for _ in range(BATCH)),
                "application/x-ndjson",
            )
            for _ in range(count)
        ]

    def echoes(self, count: int) -> list[bytes]:
        """Return unsigned requests to the echo with a query's sizes, headers included."""
        length = len(self._signed("/v1/queries", self._body(), "application/json"))
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
            "grant_id": show("gnt", grant),
            "operator": f"op-{self._next % 997}",
            "application_ref": f"app-{self._next}",
        }
        return json.dumps(body, separators=(",", ":")).encode()

    def _signed(self, path: str, body: bytes, content_type: str) -> bytes:
        request = Request(
            method="POST",
            target_uri=f"{self._scene.base_url}{path}",
            body=body,
            content_type=content_type,
        )
        signed = sign_request(
            request, self._key, created=int(time.time()), nonce=secrets.token_urlsafe(18)
        )
        headers = "".join(f"{name}: {value}\r\n" for name, value in signed.headers.items())
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
        return head.encode() + body


@contextmanager
def echo_server() -> Iterator[int]:
    """Serve the echo under the same gunicorn settings; yield its port."""
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "--worker-class", "gthread", "--threads", "4"]
    command += ["--workers", str(os.cpu_count() or 1), "--bind", f"127.0.0.1:{port}"]
    command += ["--keep-alive", "75", "--log-level", "warning", "tests.bench.echo_app:create_app()"]
    process = subprocess.Popen(command)
    try:
        time.sleep(3)
        yield port
    finally:
        process.terminate()
        process.wait(30)
