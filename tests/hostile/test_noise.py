"""N1: random hostile requests do no harm; and a captured request is dead after a restart (A23)."""

from __future__ import annotations

import json
import os
import random
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it ships no types
import psycopg
import pytest

from tests.hostile.live import LiveExchange, live_exchange
from tests.hostile.noise import NoiseMaker
from tests.support import postgres
from tests.support.edge_app import private_key
from tests.support.signed_requests import signed_headers

# A part of N1 in every run; CX_NOISE_REQUESTS=100000 is the whole of it.
REQUESTS = int(os.environ.get("CX_NOISE_REQUESTS", "3000"))
THREADS = 8
WARM_UP = 500  # requests before memory is looked at
# What the exchange may write by itself, or of a request that it refuses.
MAY_GROW = {"nonce", "security_event", "quota"} | {
    "checkpoint",
    "log_state",
    "tile",
    "leaf_place",
    "meter",
}


@pytest.fixture
def noisy(tmp_path: Path) -> Iterator[LiveExchange]:
    """An exchange of its own, whose tables nobody else touches."""
    engine = next(iter(postgres.engines()))
    with (
        postgres.clone(postgres.server(engine)) as url,
        live_exchange(url, tmp_path) as started,
    ):
        yield started


def rows(url: str) -> dict[str, int]:
    """Count the rows of every table that refused requests must not reach."""
    with psycopg.connect(url) as connection:
        names = connection.execute(
            "SELECT relname FROM pg_class"
            " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        ).fetchall()
        return {name: _count(connection, str(name)) for (name,) in names if name not in MAY_GROW}


def _count(connection: psycopg.Connection[tuple[object, ...]], name: str) -> int:
    row = connection.execute(f'SELECT count(*)::int FROM "{name}"'.encode()).fetchone()
    assert row is not None
    return int(str(row[0]))


def exchange_of(port: int, raw: bytes) -> bytes:
    """Send bytes, then the end; return all that comes back."""
    with socket.create_connection(("127.0.0.1", port), 60) as connection:
        try:
            connection.sendall(raw)
            connection.shutdown(socket.SHUT_WR)
            received = b""
            while chunk := connection.recv(65536):
                received += chunk
        except (ConnectionResetError, BrokenPipeError):
            return b""  # refused before it was read to its end
    return received


def kind_of(received: bytes) -> str:
    """Return the status, and whether the body is what a refusal looks like."""
    if not received:
        return "closed"
    head, _, body = received.partition(b"\r\n\r\n")
    status = head.split(b" ", 2)[1].decode()
    if status.startswith("2"):
        return status
    if b"application/problem+json" in head:
        document = json.loads(body.split(b"HTTP/1.1 ")[0] or b"{}")
        return status if not body or document["status"] == int(status) else f"{status} otherwise"
    return status if body.startswith(b"<html>") or not body else f"{status} otherwise"


def drum(live: LiveExchange, count: int, seed: int) -> tuple[Counter[str], int]:
    """Send so many random requests from several threads; return the answers by kind."""
    answers: Counter[str] = Counter()
    signed: list[bool] = []

    def send(part: int) -> None:
        maker = NoiseMaker(live.target, seed + part)
        for _ in range(count // THREADS):
            noise = maker.request()
            signed.append(noise.signed)
            answers[kind_of(exchange_of(live.target.port, noise.raw))] += 1

    threads = [threading.Thread(target=send, args=(part,)) for part in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers, sum(signed)


def workers(live: LiveExchange) -> dict[int, float]:
    """Return the server processes with the MiB they hold."""
    master = psutil.Process(live.processes[-1].pid)
    return {one.pid: one.memory_info().rss / (1 << 20) for one in master.children()}


def test_n1_random_hostile_requests_do_no_harm(noisy: LiveExchange) -> None:
    """Whatever a stranger or a member sends, others are served, and nothing of it stays."""
    seed = random.SystemRandom().randrange(1 << 31)
    drum(noisy, WARM_UP, seed + 1_000)
    before, held = rows(noisy.target.url), workers(noisy)

    answers, signed = drum(noisy, REQUESTS, seed)

    after = workers(noisy)
    told = f"seed {seed}: {dict(answers)}"
    bad = [kind for kind in answers if kind.startswith("5") and kind != "501"]
    assert [] == bad, told
    assert [] == [kind for kind in answers if "otherwise" in kind], told
    assert before == rows(noisy.target.url), told
    assert held.keys() == after.keys(), told
    assert sum(after.values()) < 1.1 * sum(held.values()), (held, after, told)
    assert signed >= 0.4 * REQUESTS, told
    assert {"401", "404", "422"} <= answers.keys(), told
    assert 200 == noisy.target.send(noisy.target.draft()).status


def test_a23_a_captured_request_is_dead_on_every_worker_and_after_a_restart(
    noisy: LiveExchange,
) -> None:
    """Who captured a request waits for the next deployment, or for another process to take it."""
    draft = noisy.target.draft()
    headers = signed_headers(draft, private_key(draft.keyid))

    first = noisy.target.send(draft, headers=headers)
    again = [noisy.target.send(draft, headers=headers) for _ in range(8)]
    noisy.stop()
    noisy.start()
    later = [noisy.target.send(draft, headers=headers) for _ in range(4)]

    assert 200 == first.status
    assert {(409, "auth.replayed")} == {(one.status, one.code) for one in again + later}
