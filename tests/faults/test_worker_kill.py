"""Kill a worker, and PostgreSQL under it, at random points of a file: it is whole or absent.

`python -m tests.bench ingest` is about speed; this is about what is left. Here a few rounds of a
small file; the full run is the same test with CX_KILL_ROUNDS=50 and CX_KILL_ROWS=200000.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import psycopg
import pytest

from exchange.domain.members import Role
from exchange.domain.queries import Asker
from exchange.services.batches.ports import BatchState
from exchange.services.batches.take_file import take_file
from exchange.store.embedded.server import Launch, Server, start
from exchange.store.migrate import migrate
from tests.bench.files.rows import Book, file_of, new_subjects
from tests.bench.stock import load_grants
from tests.support.postgres import kill
from tests.support.sandbox import Sandbox, make_sandbox

ROUNDS = int(os.environ.get("CX_KILL_ROUNDS", "6"))
ROWS = int(os.environ.get("CX_KILL_ROWS", "2000"))
WORK_SECONDS_MAX = 300
_COUNTED = ("record", "account", "leaf", "batch_fault")


@dataclass(slots=True, kw_only=True)
class House:
    """A durable exchange, its member's book, and the environment of its worker."""

    launch: Launch
    server: Server
    sandbox: Sandbox
    book: Book

    def queue(self, sequence: int) -> bytes:
        """Queue the book as a file; return its digest."""
        caller = Asker(member="member-a", key="k", nonce="-", roles=frozenset({Role.CONTRIBUTOR}))
        content = file_of(self.book, sequence=sequence)
        return take_file(content, caller, self.sandbox.ports).batch.digest

    @contextmanager
    def worker(self) -> Iterator[subprocess.Popen[bytes]]:
        """Run a worker in a process of its own."""
        environment = {
            **os.environ,
            "EXCHANGE_DATABASE_URL": self.server.url,
            "EXCHANGE_DATA_DIR": str(self.sandbox.settings.data_dir),
            "EXCHANGE_SANDBOX": "true",
            "EXCHANGE_WORK_POLL_MS": "20",
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "exchange.cli", "work"],
            env=environment,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def counts(self) -> dict[str, int]:
        """Count what a file may change."""
        with psycopg.connect(self.server.url) as connection:
            return {
                table: connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()[0]  # type: ignore[index]
                for table in _COUNTED
            }

    def state(self, digest: bytes) -> str:
        """Look at a file."""
        with psycopg.connect(self.server.url) as connection:
            row = connection.execute(
                "SELECT state FROM batch WHERE digest = %s", [digest]
            ).fetchone()
        return str(row[0]) if row else ""

    def await_state(self, digest: bytes, wanted: set[str]) -> str:
        """Wait until a file is in one of these states."""
        deadline = time.monotonic() + WORK_SECONDS_MAX
        while (state := self.state(digest)) not in wanted:
            assert time.monotonic() < deadline, state
            time.sleep(0.01)
        return state


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """An exchange on a PostgreSQL of its own that flushes what it commits."""
    folder = Path(tempfile.mkdtemp())  # The server has a user of its own, who must get in.
    folder.chmod(0o711)
    launch = Launch(data_dir=folder / "d", sandbox=True)
    server = start(launch)
    migrate(server.url)
    sandbox = make_sandbox(server.url, tmp_path, batch_inline_bytes_max=0, batch_tries_max=1_000)
    sandbox.enrol("member-a")
    subjects = new_subjects(ROWS)
    keyring = sandbox.ports.keyring
    grants = load_grants(server.url, keyring, subjects, member="member-a", purpose="contribute")
    book = Book(member="member-a", subjects=subjects, grants=grants, today=date.today())  # noqa: DTZ011 - a plain day
    house = House(launch=launch, server=server, sandbox=sandbox, book=book)
    yield house
    sandbox.close()
    house.server.stop()
    shutil.rmtree(folder)


def duration(house: House) -> float:
    """Return how long the file takes, once; it becomes the stored state."""
    digest = house.queue(1)
    with house.worker():
        house.await_state(digest, {"CHECKING", "MERGING", "DONE"})
        began = time.monotonic()
        house.await_state(digest, {"DONE"})
    return time.monotonic() - began


def test_a_worker_killed_at_any_point_leaves_the_file_whole_or_absent(house: House) -> None:
    """A crash at three in the morning must not half replace a lender's book."""
    seed = random.SystemRandom().randrange(1 << 31)
    chance = random.Random(seed)  # noqa: S311 - moments, no secrets
    seconds = max(0.3, duration(house))
    ends = {BatchState.DONE.value, BatchState.REJECTED.value}

    for sequence in range(2, ROUNDS + 2):
        before, digest = house.counts(), house.queue(sequence)
        with house.worker() as worker:
            house.await_state(digest, {"CHECKING", "MERGING", *ends})
            time.sleep(chance.uniform(0, seconds))
            worker.send_signal(signal.SIGKILL)
            worker.wait()
        after = house.counts()
        assert (after == before) is (house.state(digest) not in ends), f"seed {seed}"
        with house.worker():
            assert "DONE" == house.await_state(digest, ends), f"seed {seed}"
        assert house.counts()["record"] == before["record"], "a repeated row makes no version"
        assert house.counts()["leaf"] == before["leaf"] + 1, f"seed {seed}"


def test_postgresql_killed_under_a_worker_leaves_the_file_whole_or_absent(house: House) -> None:
    """The worker outlives its database, and ends the file when it is back."""
    seed = random.SystemRandom().randrange(1 << 31)
    chance = random.Random(seed)  # noqa: S311 - moments, no secrets
    digest = house.queue(1)

    with house.worker() as worker:
        for _ in range(max(2, ROUNDS // 3)):
            house.await_state(digest, {"CHECKING", "MERGING", "DONE"})
            time.sleep(chance.uniform(0, 0.5))
            kill(house.server)
            house.server = start(house.launch)
            whole = ROWS if house.state(digest) == "DONE" else 0
            assert whole == house.counts()["record"], f"seed {seed}"
        house.await_state(digest, {"DONE"})
        assert worker.poll() is None, f"seed {seed}"

    assert (ROWS, ROWS) == (house.counts()["record"], house.counts()["account"])
