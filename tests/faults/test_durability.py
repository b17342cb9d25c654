"""Durable before reply: the answer leaves only after its leaf is on disk (P10)."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from exchange.store.embedded.server import attach
from exchange_client.core.asking import Question
from tests.bench.processes import started_as
from tests.client.sdk.samples import PURPOSE
from tests.demo.scene import sandbox
from tests.support.borrowers import borrower

CALLS = "fdatasync,fsync,sendto,recvfrom"
_LINE = re.compile(r"(\d+) +(\d+\.\d+) (\w+)\((.*)")
_RESUMED = re.compile(r"(\d+) +(\d+\.\d+) <\.\.\. (\w+) resumed>(.*)")

needs_strace = pytest.mark.skipif(
    shutil.which("strace") is None,
    reason="NOT TESTED (P10): strace is absent here, so nobody sees the order of flush and reply",
)


@contextmanager
def traced(pids: list[int], output: Path) -> Iterator[None]:
    """Write down what processes, and those they start, ask of the kernel."""
    chosen = [part for pid in pids for part in ("-p", str(pid))]
    command = ["strace", "-f", "-ttt", "-yy", "-s", "40", "-e", f"trace={CALLS}", "-o"]
    with subprocess.Popen(
        [*command, str(output), *chosen], stderr=subprocess.PIPE, text=True
    ) as tracer:
        assert tracer.stderr is not None
        for _ in pids:
            told = tracer.stderr.readline()
            assert "attached" in told, f"strace may not look at other processes here: {told}"
        yield
        tracer.send_signal(signal.SIGINT)


def events(output: Path) -> list[tuple[float, str, str]]:
    """Return (time, call, arguments) of every call that ended, in order of its end."""
    found: list[tuple[float, str, str]] = []
    begun: dict[str, str] = {}
    for line in output.read_text(errors="replace").splitlines():
        if resumed := _RESUMED.match(line):
            pid, at, call, rest = resumed.groups()
            found.append((float(at), call, begun.pop(pid, "") + rest))
        elif match := _LINE.match(line):
            pid, at, call, rest = match.groups()
            if rest.endswith("<unfinished ...>"):
                begun[pid] = rest
                # A message is on its way from the moment it is handed over.
                if call == "sendto":
                    found.append((float(at), call, rest))
            else:
                found.append((float(at), call, rest))
    return sorted(found)


def order_of(found: list[tuple[float, str, str]]) -> str:
    """Return the story of one query as letters: asked, flushed, replied."""
    letters = ""
    for _, call, arguments in found:
        if call == "recvfrom" and "POST /v1/queries" in arguments:
            letters += "a"
        elif call in {"fdatasync", "fsync"} and "/pg_wal/" in arguments:
            letters += "f"
        elif call == "sendto" and "HTTP/1.1 200" in arguments:
            letters += "r"
    return letters


@needs_strace
def test_p10_the_wal_is_flushed_before_the_receipt_is_sent(tmp_path: Path) -> None:
    """A receipt over a leaf that a power cut takes away would be a lie with a signature."""
    output = tmp_path / "calls"
    with sandbox({"SEQUENCE_INTERVAL_MS": "5000", "WORKERS": "1"}) as scene:
        exchange = scene.exchange("lender-a")
        question = Question(identifiers=(borrower(1),), purpose=PURPOSE)
        exchange.ask(Question(identifiers=(borrower(2),), purpose=PURPOSE))  # opens connections
        server = attach(scene.members.parent)
        assert server is not None
        with psycopg.connect(server.url) as connection:
            settings = [
                connection.execute(f"SHOW {name}".encode()).fetchone()
                for name in ("fsync", "synchronous_commit", "wal_sync_method")
            ]
            sessions = connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'"
                " AND pid <> pg_backend_pid()"
            ).fetchall()
        workers = [one.pid for one in started_as("gunicorn")]

        with traced([*workers, *(int(row[0]) for row in sessions)], output):
            exchange.ask(question)
        exchange.close()

    assert [("on",), ("on",), ("fdatasync",)] == settings
    story = order_of(events(output))
    assert re.search("af+r", story), story
    assert "ar" not in story, story


def test_the_order_is_told_apart() -> None:
    """A test that takes a reply before its flush for a good one proves nothing."""
    asked = (1.0, "recvfrom", '6<TCP>, "POST /v1/queries HTTP"')
    flushed = (2.0, "fdatasync", "5</x/pg_wal/0001>) = 0")
    replied = (3.0, "sendto", '6<TCP>, "HTTP/1.1 200 OK"')

    assert "afr" == order_of([asked, flushed, replied])
    assert "arf" == order_of([asked, replied, flushed])
