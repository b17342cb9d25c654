"""Ingest: files worked off by workers of their own, beside a server-side COPY of the same rows.

Each round: the tables are emptied, a file is queued and worked off, its rows are written to a file
by the server, the table is emptied again, and the server copies them back in. The last part is
what any ingest could reach at best: its rows are judged, indexed and sealed already.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it ships no types
import psycopg

from exchange.domain.members import Role
from exchange.domain.queries import Asker
from exchange.services.batches.take_file import take_file
from exchange.store.embedded.server import Launch, Server, start
from tests.bench.files.rows import Book, file_of, new_subjects
from tests.bench.processes import below, cpu_by_process, cpu_seconds, cpu_since
from tests.bench.report import Measure, figure, measure
from tests.bench.stock import load_grants
from tests.support import postgres
from tests.support.sandbox import Sandbox, make_sandbox

ROUNDS = 5
ROUNDS_ROWS_MAX = 200_000  # of longer files one is measured: a round of them takes minutes
WORK_SECONDS_MAX = 1_800
_EMPTIED = "record, account, batch, batch_job, batch_part, batch_fault, batch_absent"
_LIMITS = {
    "batch_inline_bytes_max": 0,
    "batch_rows_max": 50_000_000,
    "batch_file_bytes_max": 16 << 30,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Works:
    """An exchange whose workers are started and stopped by the rounds."""

    server: Server
    sandbox: Sandbox
    books: Sequence[Book]  # of several members, of one size

    def sql(self, text: str) -> list[tuple[object, ...]]:
        """Run a statement of the benchmark's own."""
        with psycopg.connect(self.server.url, autocommit=True) as connection:
            cursor = connection.execute(text.encode())
            return cursor.fetchall() if cursor.description else []

    def empty(self) -> None:
        """Begin a round with empty tables and nothing left to flush."""
        self.sql(f"TRUNCATE {_EMPTIED}")
        self.sql("CHECKPOINT")

    def queue(self, content: bytes, member: str) -> float:
        """Queue a file; return how long its upload took on the server's side."""
        caller = Asker(member=member, key="k", nonce="-", roles=frozenset({Role.CONTRIBUTOR}))
        began = time.monotonic()
        take_file(content, caller, self.sandbox.ports)
        return time.monotonic() - began

    @contextmanager
    def workers(self, count: int) -> Iterator[list[psutil.Process]]:
        """Run workers in processes of their own, ready before the first file is queued."""
        environment = {
            **os.environ,
            "EXCHANGE_DATABASE_URL": self.server.url,
            "EXCHANGE_DATA_DIR": str(self.sandbox.settings.data_dir),
            "EXCHANGE_SANDBOX": "true",
            "EXCHANGE_WORK_POLL_MS": "10",
            **{f"EXCHANGE_{name.upper()}": str(value) for name, value in _LIMITS.items()},
        }
        command = [sys.executable, "-m", "exchange.cli", "work"]
        processes = [subprocess.Popen(command, env=environment) for _ in range(count)]
        try:
            yield [psutil.Process(process.pid) for process in processes]
        finally:
            for process in processes:
                process.kill()
                process.wait()

    def warm_up(self, workers: int) -> None:
        """Let each worker work off a dry run: by then it has imported and connected."""
        for number in range(workers):
            book = self.books[number % len(self.books)]
            few = replace(book, subjects=book.subjects[:200], grants=book.grants[:200])
            self.queue(file_of(few, dry_run=True), book.member)
        self.await_done(workers, "DRY_RUN_DONE")

    def await_done(self, files: int, state: str = "DONE") -> None:
        """Wait until so many files have ended in this state."""
        deadline = time.monotonic() + WORK_SECONDS_MAX
        with psycopg.connect(self.server.url, autocommit=True) as connection:
            while time.monotonic() < deadline:
                states = [row[0] for row in connection.execute("SELECT state FROM batch")]
                if states.count(state) == files:
                    return
                if "REJECTED" in states:
                    raise RuntimeError("the file was rejected")
                time.sleep(0.01)
        raise RuntimeError("the file was not worked off in time")


@contextmanager
def works(rows: int, members: int) -> Iterator[Works]:
    """Start an exchange with books of this size."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        server = start(Launch(data_dir=Path(folder) / "d", sandbox=True))
        try:
            postgres.lay_out(server.url)
            sandbox = make_sandbox(server.url, Path(folder), **_LIMITS)
            yield Works(
                server=server,
                sandbox=sandbox,
                books=[_book(server, sandbox, f"member-{n}", rows) for n in range(members)],
            )
            sandbox.close()
        finally:
            server.stop()


def measure_ingest(rows: int) -> dict[str, Measure]:
    """Measure files of so many rows."""
    return _by_rounds(rows) if rows <= ROUNDS_ROWS_MAX else _one_file(rows)


def _one_file(rows: int) -> dict[str, Measure]:
    """Measure one long NDJSON file by one worker, its COPY, and the same file sent again."""
    with works(rows, members=1) as stage:
        content = file_of(stage.books[0])
        one = _round(stage, content)
        again = stage.queue(content, stage.books[0].member)
    return {
        "file_mib": figure(len(content) / (1 << 20), "MiB"),
        **_paces(rows, [one]),
        "ingest_rss_mib": figure(one.file.rss_mib, "MiB"),
        "upload_again_s": figure(again, "s"),
    }


def _by_rounds(rows: int) -> dict[str, Measure]:
    """Measure one worker by NDJSON and CSV, two workers, their memory, and a file sent again."""
    with works(rows, members=2) as stage:
        ndjson = [_round(stage, file_of(stage.books[0])) for _ in range(ROUNDS)]
        csv = [_round(stage, file_of(stage.books[0], as_csv=True)) for _ in range(ROUNDS)]
        pairs = [(_worked(stage, 1), _worked(stage, 2)) for _ in range(ROUNDS)]
        again = _again(stage)
    return {
        **_paces(rows, ndjson),
        "csv_per_copy": measure([one.ratio for one in csv], "ratio"),
        "two_workers_per_one": measure([one / two for one, two in pairs], "ratio"),
        "ingest_rss_mib": figure(max(one.file.rss_mib for one in (*ndjson, *csv)), "MiB"),
        "upload_again_s": figure(again, "s"),
    }


def _paces(rows: int, ndjson: Sequence[_Round]) -> dict[str, Measure]:
    files = [one.file for one in ndjson]
    return {
        "ndjson_per_copy": measure([one.ratio for one in ndjson], "ratio"),
        "rows_per_s": measure([rows / one.seconds for one in files], "1/s"),
        "copy_rows_per_s": measure([rows / one.copy for one in ndjson], "1/s"),
        "worker_cpu_us_per_row": measure([one.cpu / rows * 1e6 for one in files], "us"),
        "postgres_cpu_us_per_row": measure([one.postgres_cpu / rows * 1e6 for one in files], "us"),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What a file cost that one worker worked off."""

    seconds: float
    cpu: float  # seconds, of the worker
    postgres_cpu: float  # seconds, of all its processes; asking whether the file is done included
    rss_mib: float  # the worker's peak


def spent_on(stage: Works, content: bytes) -> Spent:
    """Let one worker, ready before, work off a file of the first member."""
    with stage.workers(1) as (worker,):
        stage.warm_up(1)
        stage.queue(content, stage.books[0].member)
        cpu, of_postgres = cpu_seconds([worker]), cpu_by_process(below(stage.server.pid))
        began = time.monotonic()
        stage.await_done(1)
        return Spent(
            seconds=time.monotonic() - began,
            cpu=cpu_seconds([worker]) - cpu,
            postgres_cpu=cpu_since(of_postgres, below(stage.server.pid)),
            rss_mib=_peak_mib(worker.pid),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Round:
    file: Spent
    copy: float  # seconds

    @property
    def ratio(self) -> float:
        return self.copy / self.file.seconds


def _round(stage: Works, content: bytes) -> _Round:
    stage.empty()
    file = spent_on(stage, content)
    copied = _timed(stage.sql, *_copies(stage))
    told = f"ingest {file.seconds:.1f} s, COPY {copied:.1f} s, {file.rss_mib:.0f} MiB"
    print(told, file=sys.stderr, flush=True)
    return _Round(file=file, copy=copied)


def _copies(stage: Works) -> tuple[str, ...]:
    """Write the rows to a file of the server's own, and copy them back under every index."""
    path = f"{stage.sql('SHOW data_directory')[0][0]}/cx-prepared"
    return (
        f"COPY record TO '{path}' (FORMAT BINARY)",
        "TRUNCATE record",
        "CHECKPOINT",
        f"COPY record FROM '{path}' (FORMAT BINARY)",
    )


def _timed(sql: Callable[[str], object], *statements: str) -> float:
    """Run statements; return the seconds of the last one."""
    for statement in statements[:-1]:
        sql(statement)
    began = time.monotonic()
    sql(statements[-1])
    return time.monotonic() - began


def _worked(stage: Works, workers: int) -> float:
    """Return the seconds a file takes of each of so many workers: a file of a member each."""
    stage.empty()
    files = [(file_of(book), book.member) for book in stage.books]
    with stage.workers(workers):
        stage.warm_up(workers)
        for content, member in files:
            stage.queue(content, member)
        began = time.monotonic()
        stage.await_done(len(files))
        return time.monotonic() - began


def _again(stage: Works) -> float:
    """Return the seconds that sending a stored file again takes."""
    stage.empty()
    content = file_of(stage.books[0])
    with stage.workers(1):
        stage.queue(content, stage.books[0].member)
        stage.await_done(1)
    return stage.queue(content, stage.books[0].member)


def _book(server: Server, sandbox: Sandbox, member: str, rows: int) -> Book:
    sandbox.enrol(member)
    subjects = new_subjects(rows)
    keyring = sandbox.ports.keyring
    grants = load_grants(server.url, keyring, subjects, member=member, purpose="contribute")
    today = date.today()  # noqa: DTZ011 - a plain day, as rows have it
    return Book(member=member, subjects=subjects, grants=grants, today=today)


def _peak_mib(pid: int) -> float:
    """Return the most memory that a process held, by the kernel's account."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("the kernel keeps no peak of memory")
