"""Queries beside an ingest: what a lender waits for while another's nightly file runs."""

from __future__ import annotations

import socket
import sys
import time
from datetime import date

import psycopg

from exchange.crypto.keyring import load_keyring
from tests.bench.files.rows import Book, file_of, new_subjects
from tests.bench.fixtures import CONTRIBUTOR, Stage
from tests.bench.load import Load, drive
from tests.bench.query import CONNECTIONS
from tests.bench.report import Measure, measure, percentile
from tests.bench.stock import load_grants
from tests.bench.wishes import Wishes

ROUNDS = 9
_FILE_ROWS = 14_000  # fits into one request of 8 MiB
_FILES = 8  # of a round: work enough to outlast its queries
_PACE = 0.25  # of what the server can do alone: the rest is the ingest's to take
_WARM = 300
_WAIT_SECONDS_MAX = 300
_SEGMENTS = 110  # of 16 MiB: the rounds' files write about 1.7 GB


def measure_beside(loaded: Stage, seconds: int) -> dict[str, Measure]:
    """Measure queries at one pace, alone and beside files, in turns."""
    _wear_in(loaded)
    warm = drive(loaded.scene.port, loaded.wishes.singles(_WARM), connections=CONNECTIONS)
    pace = warm.rate * _PACE
    sender = Wishes(loaded.scene, CONTRIBUTOR, [])
    alone, beside = [], []
    for number in range(ROUNDS):
        print(f"ingest-query: round {number + 1} of {ROUNDS}", file=sys.stderr, flush=True)
        alone.append(_asked(loaded, pace, seconds))
        # Made before the first is sent: what is sent while others are made is worked off meanwhile.
        files = [_made(loaded, number * _FILES + n + 1) for n in range(_FILES)]
        for file in files:
            _send(loaded, sender.upload(file))
        beside.append(_asked(loaded, pace, seconds))
        if not _waiting(loaded):
            raise RuntimeError("the files ended before the queries did: ask for fewer seconds")
        _await_done(loaded)
    ratios = [_p99(one) / _p99(other) for one, other in zip(beside, alone, strict=True)]
    return {
        "ingest_query_p99": measure(ratios, "ratio"),
        "p99_alone_ms": measure([1e3 * _p99(one) for one in alone], "ms"),
        "p99_beside_ms": measure([1e3 * _p99(one) for one in beside], "ms"),
        "queries_per_s": measure([one.rate for one in beside], "1/s"),
    }


def _wear_in(loaded: Stage) -> None:
    """Have the log written over as on any later day: a new database makes each segment first."""
    with psycopg.connect(loaded.scene.database_url(), autocommit=True) as connection:
        for _ in range(_SEGMENTS):
            connection.execute("SELECT pg_logical_emit_message(true, 'bench', '')")
            connection.execute("SELECT pg_switch_wal()")
        connection.execute("CHECKPOINT")


def _asked(loaded: Stage, pace: float, seconds: int) -> Load:
    requests = loaded.wishes.singles(max(1, int(pace * seconds)))
    return drive(loaded.scene.port, requests, connections=CONNECTIONS, per_second=pace)


def _p99(load: Load) -> float:
    return percentile(load.latencies, 0.99)


def _made(loaded: Stage, number: int) -> bytes:
    """Make a file of new accounts, whose grants are registered."""
    subjects = new_subjects(_FILE_ROWS)
    keyring = load_keyring(loaded.scene.members.parent / "keyring.json")
    url = loaded.scene.database_url()
    grants = load_grants(url, keyring, subjects, member=CONTRIBUTOR, purpose="contribute")
    today = date.today()  # noqa: DTZ011 - a plain day, as rows have it
    book = Book(
        member=CONTRIBUTOR, subjects=subjects, grants=grants, today=today, refs=f"acc-{number}"
    )
    return file_of(book, sequence=number)


def _send(loaded: Stage, upload: bytes) -> None:
    """Upload a file; it is queued for the sandbox's own worker."""
    with socket.create_connection(("127.0.0.1", loaded.scene.port), timeout=60) as connection:
        connection.sendall(upload)
        answer = connection.recv(1 << 16)
    if not answer.startswith(b"HTTP/1.1 202"):
        raise RuntimeError(f"refused: {answer[:600]!r}")


def _waiting(loaded: Stage) -> int:
    """Count the files that are not worked off yet."""
    with psycopg.connect(loaded.scene.database_url()) as connection:
        found = connection.execute("SELECT count(*) FROM batch_job").fetchone()
    return found[0] if found else 0


def _await_done(loaded: Stage) -> None:
    deadline = time.monotonic() + _WAIT_SECONDS_MAX
    while _waiting(loaded):
        if time.monotonic() > deadline:
            raise RuntimeError("the files were not worked off in time")
        time.sleep(0.2)
