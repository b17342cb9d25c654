"""`exchange up`: a whole sandbox with one command, stopped by one signal."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from socket import socket
from tempfile import TemporaryDirectory
from urllib.request import urlopen

import pytest

from exchange.store.embedded.datadir import is_postmaster
from exchange.store.embedded.server import Launch, start
from exchange.store.migrate import migrate
from tests.support import postgres

READY_SECONDS_MAX = 60


class Up:
    """One run of the command."""

    def __init__(self, data_dir: Path, **environment: str) -> None:
        with socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        arguments = ("up", "--data-dir", data_dir, "--port", str(self.port))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "exchange.cli", *arguments],
            env={"PATH": os.environ["PATH"], **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ready(self) -> dict[str, str]:
        """Wait until every part is ready, and return what each says."""
        deadline = time.monotonic() + READY_SECONDS_MAX
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                with urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5) as answer:
                    return dict(json.load(answer))
            except OSError:
                time.sleep(0.1)
        raise AssertionError(f"not ready: {self.process.communicate(timeout=30)}")

    def counts(self, name: str) -> bool:
        """Wait until `/metrics` shows a figure; say whether it did."""
        deadline = time.monotonic() + READY_SECONDS_MAX
        while time.monotonic() < deadline and self.process.poll() is None:
            with urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=5) as answer:
                if f"\n{name} " in answer.read().decode():
                    return True
            time.sleep(0.2)
        return False

    def end(self, number: int = signal.SIGINT) -> tuple[int, str, str]:
        """Send a signal; return exit code and output."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, err


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A directory for one sandbox."""
    with TemporaryDirectory(dir=os.environ[postgres.RUN_DIR]) as directory:
        Path(directory).chmod(0o711)
        yield Path(directory) / "sandbox"


def test_up_serves_says_where_everything_is_and_stops_clean(data_dir: Path) -> None:
    """A newcomer sees it work, and nothing is left running afterwards."""
    up = Up(data_dir)
    ready = up.ready()
    postmaster = int((data_dir / "pg/cluster/postmaster.pid").read_text().split()[0])
    assert up.counts("cx_log_turn_seconds_count")  # Told by another process, under another role.

    code, out, _ = up.end()

    assert {"ok"} == set(ready.values())
    assert 0 == code
    pages = f"http://localhost:{up.port}/borrower"
    for part in (f"http://127.0.0.1:{up.port}", pages, str(data_dir), "PostgreSQL", "lender-a"):
        assert part in out
    assert not (data_dir / "pg/cluster/postmaster.pid").exists()
    assert not is_postmaster(postmaster, data_dir / "pg")


def test_a_second_up_on_the_same_directory_is_told_who_has_it(data_dir: Path) -> None:
    """Two servers on one directory would destroy it; a riddle would cost an hour."""
    first = Up(data_dir)
    first.ready()

    second = Up(data_dir)
    _, err = second.process.communicate(timeout=60)

    assert 1 == second.process.returncode
    assert [
        f"refused: {data_dir} is in use by process {first.process.pid}: stop it first"
    ] == err.splitlines()
    assert 0 == first.end(signal.SIGTERM)[0]


def test_whatever_is_killed_comes_back(data_dir: Path) -> None:
    """A sandbox that needs care when its database dies is no model of the real thing."""
    up = Up(data_dir)
    up.ready()
    killed = int((data_dir / "pg/cluster/postmaster.pid").read_text().split()[0])
    os.kill(killed, signal.SIGKILL)
    postgres.await_gone(killed)

    again = up.ready()

    assert {"ok"} == set(again.values())
    assert 0 == up.end()[0]


def test_after_kill_9_the_next_up_just_starts(data_dir: Path) -> None:
    """What a killed run leaves behind must not need an expert."""
    first = Up(data_dir)
    first.ready()
    first.end(signal.SIGKILL)

    second = Up(data_dir)

    assert {"ok"} == set(second.ready().values())
    assert 0 == second.end()[0]


def test_a_start_killed_between_schema_and_roles_is_made_good_by_the_next(data_dir: Path) -> None:
    """A migrated database that lets no process in would never serve again."""
    server = start(Launch(data_dir=data_dir, sandbox=True, pg_bin=None))
    migrate(server.url)
    server.stop()

    up = Up(data_dir)

    assert {"ok"} == set(up.ready().values())
    assert 0 == up.end()[0]


def test_a_consortium_that_is_no_sandbox_is_refused(data_dir: Path) -> None:
    """Real borrowers on one machine without a standby or TLS: never by accident."""
    up = Up(data_dir, EXCHANGE_SANDBOX="false")

    _, err = up.process.communicate(timeout=60)

    assert 1 == up.process.returncode
    assert err.startswith("refused: the embedded PostgreSQL is for sandboxes")
    assert not data_dir.exists()
