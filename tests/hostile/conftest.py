"""The server that hostile input is sent to, over real sockets."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile.target import Target

ROOT = Path(__file__).parents[2]
START_SECONDS_MAX = 20


@pytest.fixture(scope="session")
def target() -> Iterator[Target]:
    """A server of its own behind the real edge, for the whole run."""
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        port = chosen.getsockname()[1]
    base = f"http://127.0.0.1:{port}"
    options = ["-k", "gthread", "--threads", "4", "-w", "1", "--no-control-socket"]
    limits = ["--limit-request-line", "4094", "--limit-request-fields", "64"]
    command = [sys.executable, "-m", "gunicorn", *options, *limits, "-b", f"127.0.0.1:{port}"]
    server = subprocess.Popen(
        [*command, "--log-level", "critical", f"tests.support.edge_app:serve('{base}')"],
        cwd=ROOT,
    )
    try:
        _wait(port, server)
        yield Target(base=base, port=port)
    finally:
        server.terminate()
        server.wait(timeout=30)


def _wait(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline:
        if server.poll() is not None:
            pytest.fail(f"the server ended with {server.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("the server did not start")
