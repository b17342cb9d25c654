"""An exchange on a PostgreSQL of its own that flushes what it commits, and jobs to be killed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TypeVar

import psycopg

from exchange.domain.members import Role
from exchange.domain.queries import Asker
from exchange.errors import UnavailableError
from exchange.services.batches.take_file import take_file
from exchange.store.embedded.server import Launch, Server, start
from tests.bench.files.rows import Book, file_of, new_subjects
from tests.bench.stock import load_grants
from tests.support import postgres
from tests.support.postgres import kill
from tests.support.sandbox import Sandbox, make_sandbox

T = TypeVar("T")

WORK_SECONDS_MAX = 600
SIGN_EVERY_SECONDS = 10
PURGE_RECORDS_MAX = 250  # of one turn
_TRIES_MAX = 20  # a pool may hold so many connections to a database that was killed
_LIMITS = {
    "batch_inline_bytes_max": 0,
    "batch_tries_max": 1_000,
    "batch_rows_max": 1_000_000,
    "batch_file_bytes_max": 1 << 30,
}


@dataclass(slots=True, kw_only=True)
class House:
    """A durable exchange, and the environment of its jobs."""

    launch: Launch
    server: Server
    sandbox: Sandbox

    def member(self, name: str, rows: int) -> Book:
        """Enrol a member with a book of so many accounts."""
        _retried(lambda: self.sandbox.enrol(name))
        subjects = new_subjects(rows)
        keyring = self.sandbox.ports.keyring
        grants = load_grants(self.server.url, keyring, subjects, member=name, purpose="contribute")
        return Book(member=name, subjects=subjects, grants=grants, today=date.today())  # noqa: DTZ011 - a plain day

    def queue(self, book: Book, sequence: int) -> bytes:
        """Queue a book as a file; return its digest."""
        caller = Asker(member=book.member, key="k", nonce="-", roles=frozenset({Role.CONTRIBUTOR}))
        content = file_of(book, sequence=sequence)
        return _retried(lambda: take_file(content, caller, self.sandbox.ports).batch.digest)

    @contextmanager
    def job(self, *words: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run `exchange …` in a process of its own; kill it at the end."""
        process = subprocess.Popen(
            [sys.executable, "-m", "exchange.cli", *words],
            env=self._environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def verify_run(self, *ledgers: Path) -> subprocess.CompletedProcess[str]:
        """Run `exchange verify-run`."""
        named = [part for path in ledgers for part in ("--ledger", str(path))]
        return subprocess.run(
            [sys.executable, "-m", "exchange.cli", "verify-run", *named],
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=WORK_SECONDS_MAX,
        )

    @property
    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "EXCHANGE_DATABASE_URL": self.server.url,
            "EXCHANGE_DATA_DIR": str(self.sandbox.settings.data_dir),
            "EXCHANGE_SANDBOX": "true",
            "EXCHANGE_WORK_POLL_MS": "20",
            "EXCHANGE_BATCH_TRIES_MAX": str(_LIMITS["batch_tries_max"]),
            "EXCHANGE_BATCH_ROWS_MAX": str(_LIMITS["batch_rows_max"]),
            "EXCHANGE_BATCH_FILE_BYTES_MAX": str(_LIMITS["batch_file_bytes_max"]),
            "EXCHANGE_PURGE_RECORDS_MAX": str(PURGE_RECORDS_MAX),
        }

    def kill_database(self) -> None:
        """Kill -9 PostgreSQL and start it again."""
        kill(self.server)
        self.server = start(self.launch)

    def sql(self, text: str, *values: object) -> list[tuple[object, ...]]:
        """Run a statement of the judge's own."""
        with psycopg.connect(self.server.url) as connection:
            cursor = connection.execute(text.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def counts(self, tables: Mapping[str, str]) -> dict[str, int]:
        """Count rows, by a name for each table and what is counted of it."""
        return {
            name: int(str(self.sql(f"SELECT count(*) FROM {which}")[0][0]))
            for name, which in tables.items()
        }

    def state(self, digest: bytes) -> str:
        """Look at a file."""
        rows = self.sql("SELECT state FROM batch WHERE digest = %s", digest)
        return str(rows[0][0]) if rows else ""

    def await_state(self, digest: bytes, wanted: set[str], worker: subprocess.Popen[bytes]) -> str:
        """Wait until a file is in one of these states; its worker must live meanwhile."""
        signed = time.monotonic()
        deadline = signed + WORK_SECONDS_MAX
        while (state := self.state(digest)) not in wanted:
            if worker.poll() is not None or time.monotonic() > deadline:
                raise TimeoutError(f"the file stays {state}, its worker ended: {worker.poll()}")
            if time.monotonic() - signed > SIGN_EVERY_SECONDS:
                self.sequence()
                signed = time.monotonic()
            time.sleep(0.02)
        return state

    def rest(self, seconds: float) -> None:
        """Wait, and sign meanwhile what waits: a long file must make no leaf late."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, SIGN_EVERY_SECONDS))
            self.sequence()

    def sequence(self) -> None:
        """Sign what waits, within the time that receipts promise."""
        _retried(self.sandbox.sequence)


def _retried(act: Callable[[], T]) -> T:
    """Do it again where the database was killed since, as every member would."""
    for _ in range(_TRIES_MAX):
        try:
            return act()
        except (UnavailableError, psycopg.OperationalError):
            time.sleep(0.1)
    return act()


@contextmanager
def open_house(folder: Path) -> Iterator[House]:
    """Open an exchange whose keys are in this folder."""
    place = Path(tempfile.mkdtemp(prefix="cx-house-"))
    place.chmod(0o711)  # The server has a user of its own, who must get in.
    launch = Launch(data_dir=place / "d", sandbox=True)
    house: House | None = None
    server = start(launch)
    try:
        postgres.lay_out(server.url)
        sandbox = make_sandbox(server.url, folder, **_LIMITS)
        house = House(launch=launch, server=server, sandbox=sandbox)
        yield house
        sandbox.close()
    finally:
        (house.server if house else server).stop()
        shutil.rmtree(place)
