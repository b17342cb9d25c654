"""The stage of the query's figures: a sandbox as `exchange up` makes it, filled with records."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from exchange.crypto.keyring import load_keyring
from tests.bench import stock
from tests.bench.processes import Process, postgres_in, started_as
from tests.bench.wishes import Wishes
from tests.demo.scene import Scene, free_port, sandbox

ASKER, CONTRIBUTOR = "lender-a", "lender-b"
ASKED_MAX = 20_000  # subjects that the rounds go round
QUOTAS = {
    "EVALUATIONS_PER_DAY": "10000000",
    "QUERIES_PER_DAY": "10000000",
    "NEW_MEMBER_QUERIES_PER_DAY": "10000000",
    "QUERIES_PER_OPERATOR_HOUR": "10000000",
    "QUERIES_PER_SUBJECT_DAY": "10000000",
}
_START_SECONDS_MAX = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A loaded sandbox, and its processes for their accounting."""

    scene: Scene
    wishes: Wishes
    records: int

    def web(self) -> list[Process]:
        """Return the server's processes."""
        return started_as("exchange.app.server:create_app()")

    def postgres(self) -> list[Process]:
        """Return PostgreSQL's processes, those of open connections among them."""
        return postgres_in(self.scene.members.parent)


@contextmanager
def stage(records: int) -> Iterator[Stage]:
    """Load a sandbox with this many sealed records, and grants for some of their subjects."""
    with sandbox(QUOTAS) as scene:
        keyring = load_keyring(scene.members.parent / "keyring.json")
        subjects = stock.tokens(records)
        url = scene.database_url()
        stock.load_records(url, keyring, subjects, member=CONTRIBUTOR)
        asked = subjects[:ASKED_MAX]
        grants = stock.load_grants(url, keyring, asked, member=ASKER)
        stock.settle(url)
        yield Stage(
            scene=scene,
            wishes=Wishes(scene, ASKER, list(zip(asked, grants, strict=True))),
            records=records,
        )


@contextmanager
def echo_server() -> Iterator[int]:
    """Serve the echo under plain gunicorn, as many processes as the server; yield its port."""
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "--worker-class", "gthread", "--threads", "4"]
    command += ["--workers", str(os.cpu_count() or 1), "--bind", f"127.0.0.1:{port}"]
    command += ["--keep-alive", "75", "--log-level", "warning", "--no-control-socket"]
    process = subprocess.Popen([*command, "tests.bench.echo_app:create_app()"])
    try:
        _await(port)
        yield port
    finally:
        process.terminate()
        process.wait(30)


def _await(port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS_MAX
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5):
                return
        except urllib.error.HTTPError:
            return  # It answers: 404 is all that a bare echo has here.
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("the echo did not come up")
