"""What every test may ask for: fresh databases, a durable server, and a network that is closed."""

from __future__ import annotations

import gc
import os
import sys
import tempfile
from collections.abc import Generator, Iterator
from functools import cache
from pathlib import Path

import pytest
import typer.testing
from hypothesis import settings

from exchange.store.embedded.server import Launch, Server, attach, start
from tests.support import postgres

# `make test` draws the same examples each time: a change that fails is the change's own fault.
# `pytest --hypothesis-profile=explore tests/unit` looks for new ones, twenty times as many.
settings.register_profile("exchange", deadline=None, print_blob=True, derandomize=True)
settings.register_profile("explore", deadline=None, print_blob=True, max_examples=2000)
settings.load_profile("exchange")

# Typer would build all commands of a program anew for each that a test types: 50 ms.
typer.testing._get_command = cache(typer.testing._get_command)  # type: ignore[attr-defined]  # not meant for others

BOTH_ENGINES = ("store", "api", "migrations")  # folders whose tests also run on the oldest server
WAITING = ("faults", "journeys", "browser")  # folders whose tests start, kill and await processes
NOT_EXERCISED = "NOT EXERCISED: "  # how a skip starts that hides a foreign tool's absence
LOOPBACK = {"127.0.0.1", "::1", "localhost"}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--all-engines`, which `make test` passes."""
    parser.addoption(
        "--all-engines",
        action="store_true",
        help="run tests of store, api and migrations on the oldest PostgreSQL here as well",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Open the run, unless this process is one of its workers."""
    if not hasattr(config, "workerinput"):
        postgres.open_run()
    sys.addaudithook(_refuse_network)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Spare Python's collector what stays to the end: every module, and some thousand tests."""
    gc.disable()
    collected = yield
    gc.collect()
    gc.freeze()
    gc.enable()
    return collected


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what waits for processes of its own: last, it would be waited for alone."""
    items.sort(key=lambda item: _folder(item) not in WAITING)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what the run started."""
    if not hasattr(config, "workerinput"):
        postgres.close_run()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run tests that need a database on the engines that their folder asks for."""
    if "engine" in metafunc.fixturenames:
        names = list(postgres.engines())
        both = _folder(metafunc.definition) in BOTH_ENGINES
        wide = metafunc.config.getoption("all_engines") and both
        metafunc.parametrize("engine", names if wide else names[:1], scope="session")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which engines ran and which foreign tools did not, loudly."""
    if terminalreporter.config.getoption("all_engines"):
        found = {name: one.version for name, one in postgres.engines().items()}
        terminalreporter.section("engines")
        terminalreporter.line(", ".join(f"PostgreSQL {version}" for version in found.values()))
        if "pg15" not in found:
            terminalreporter.line("NOT TESTED: PostgreSQL 15, the oldest we support, is not here")
    skipped = terminalreporter.stats.get("skipped", [])
    missed = sorted({reason for one in skipped if NOT_EXERCISED in (reason := str(one.longrepr))})
    if missed:
        terminalreporter.section("not exercised")
    for reason in missed:
        terminalreporter.line(NOT_EXERCISED + reason.partition(NOT_EXERCISED)[2].removesuffix("')"))


@pytest.fixture(scope="session")
def postgres_server(engine: str) -> Server:
    """The run's server; its commits are not durable."""
    return postgres.server(engine)


@pytest.fixture
def database_url(postgres_server: Server) -> Iterator[str]:
    """The libpq URL of a fresh, migrated database without rows, for one test."""
    with postgres.clone(postgres_server) as url:
        yield url


@pytest.fixture(scope="module")
def shared_database_url(postgres_server: Server) -> Iterator[str]:
    """The same, for all tests of one module."""
    with postgres.clone(postgres_server) as url:
        yield url


@pytest.fixture
def durable_launch() -> Iterator[Launch]:
    """How to start a server with durable commits in a directory of its own.

    The test may kill it and start it again; whatever runs at the end is stopped.
    """
    with tempfile.TemporaryDirectory(dir=os.environ[postgres.RUN_DIR]) as directory:
        Path(directory).chmod(0o711)
        launch = Launch(data_dir=Path(directory) / "d", sandbox=True)
        yield launch
        if left := attach(launch.data_dir):
            left.stop()


@pytest.fixture
def durable_server(durable_launch: Launch) -> Server:
    """A running server with durable commits and a migrated database at its `url`."""
    server = start(durable_launch)
    postgres.lay_out(server.url)
    return server


def _folder(item: pytest.Item) -> str:
    """Return the folder under `tests/` that a test lies in."""
    return item.path.relative_to(Path(__file__).parent).parts[0]


def _refuse_network(event: str, args: tuple[object, ...]) -> None:
    """Tests talk to nothing but this machine."""
    if event == "socket.connect" and isinstance(args[1], tuple) and args[1][0] not in LOOPBACK:
        raise PermissionError("a test tried to leave the machine")
