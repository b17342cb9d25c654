"""The servers that hostile input is sent to, over real sockets: each test meets both.

`edge` is the real edge around routes of every policy; `exchange` is the real application, served as
an operator serves it, on a database of its own.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile.live import LiveExchange, live_exchange
from tests.hostile.target import Target, free_port, wait_for_port
from tests.support import postgres

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def edge_target() -> Iterator[Target]:
    """The edge's test application, for the whole run."""
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    options = ["-k", "gthread", "--threads", "4", "-w", "1", "--no-control-socket"]
    limits = ["--limit-request-line", "4094", "--limit-request-fields", "64"]
    command = [sys.executable, "-m", "gunicorn", *options, *limits, "-b", f"127.0.0.1:{port}"]
    server = subprocess.Popen(
        [*command, "--log-level", "critical", f"tests.support.edge_app:serve('{base}')"],
        cwd=ROOT,
    )
    try:
        wait_for_port(port, server)
        yield Target(base=base, port=port)
    finally:
        server.terminate()
        server.wait(timeout=30)


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveExchange]:
    """The exchange itself, for the whole run."""
    engine = next(iter(postgres.engines()))
    with (
        postgres.clone(postgres.server(engine)) as url,
        live_exchange(
            url, tmp_path_factory.mktemp("live"), QUERIES_PER_OPERATOR_HOUR="100000"
        ) as started,
    ):
        yield started


@pytest.fixture(params=["edge", "exchange"])
def target(request: pytest.FixtureRequest) -> Target:
    """Each of the two, in turn."""
    if request.param == "edge":
        found: Target = request.getfixturevalue("edge_target")
        return found
    started: LiveExchange = request.getfixturevalue("live")
    return started.target
