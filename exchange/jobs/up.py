"""`exchange up`: a whole sandbox on one machine, until it is told to stop.

In:  a data directory, which is made if it is absent.
Out: PostgreSQL, a migrated database, a keyring, a seeded consortium, a sequencer and the server.
Order: each part starts after what it needs, and stops before it: workers, sequencer, PostgreSQL.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from socket import create_connection
from threading import Event

from exchange import settings as settings_module
from exchange.crypto.keyring import create_keyring
from exchange.errors import LaunchError
from exchange.jobs.serve import COMMAND
from exchange.settings import Settings
from exchange.settings_sources import PREFIX
from exchange.store.embedded import Launch, Server, start
from exchange.store.migrate import migrate

READY_SECONDS_MAX = 30
_POLL_SECONDS = 0.05


def up(data_dir: Path, port: int, say: Callable[[str], None]) -> None:
    """Start everything, say where it is, and stop it all on SIGINT or SIGTERM.

    Raises:
        LaunchError: something could not be started; what was is stopped again.
    """
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    data_dir = data_dir.absolute()
    data_dir.mkdir(mode=0o711, parents=True, exist_ok=True)
    with ExitStack() as stack:
        server = start(Launch(data_dir=data_dir, sandbox=True))
        stack.callback(server.stop)
        for name, value in _environment(data_dir, port, server).items():
            os.environ[PREFIX + name] = value  # For this process's settings and its children's.
        settings = settings_module.load()
        migrate(server.url)
        files = _prepare(settings)
        sequencer = _child(stack, (sys.executable, "-m", "exchange.cli", "sequence"))
        web = _child(stack, COMMAND)
        _await_port(port, web, stop)
        _tell(say, settings, server, files)
        _watch({"server": web, "sequencer": sequencer}, stop)
        say("stopping")


def _environment(data_dir: Path, port: int, server: Server) -> dict[str, str]:
    return {
        "DATABASE_URL": server.url,
        "DATA_DIR": str(data_dir),
        "SANDBOX": "true",
        "LISTEN": f"127.0.0.1:{port}",
        "PUBLIC_BASE_URL": f"http://127.0.0.1:{port}",
    }


def _prepare(settings: Settings) -> dict[str, Path]:
    """Make keyring, log and members where there are none; return the members' key files."""
    # Loaded here: it brings the whole application, which a refused start does not need.
    from exchange.app import make_log_ports, make_ports, open_database
    from exchange.services.open_log import open_log
    from exchange.services.seed_sandbox import seed_sandbox
    from exchange.store.log import LogDatabase

    if not settings.keyring_file.exists():
        create_keyring(
            settings.keyring_file,
            environment=settings.consortium,
            epoch=settings.epoch,
            now=int(time.time()),
        )
    with (
        closing(open_database(settings)) as database,
        closing(LogDatabase(settings.libpq_url)) as log_database,
    ):
        ports = make_ports(settings, database)
        log_ports, _ = make_log_ports(settings, ports, log_database)
        open_log(log_ports)
        return seed_sandbox(settings.data_dir / "members", ports)


def _child(stack: ExitStack, command: tuple[str, ...]) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own: Ctrl-C reaches us alone, and we stop it in order."""
    process = subprocess.Popen(command, start_new_session=True)  # noqa: S603 - our own code
    stack.callback(_stop, process)
    return process


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(READY_SECONDS_MAX + 5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _await_port(port: int, web: subprocess.Popen[bytes], stop: Event) -> None:
    deadline = time.monotonic() + READY_SECONDS_MAX
    while not stop.is_set():
        if web.poll() is not None or time.monotonic() > deadline:
            raise LaunchError(f"the server did not come up on port {port}; is the port free?")
        try:
            create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(_POLL_SECONDS)
        else:
            return


def _watch(processes: dict[str, subprocess.Popen[bytes]], stop: Event) -> None:
    while not stop.wait(0.2):
        for name, process in processes.items():
            if process.poll() is not None:
                raise LaunchError(f"the {name} ended by itself (exit code {process.returncode})")


def _tell(
    say: Callable[[str], None], settings: Settings, server: Server, files: dict[str, Path]
) -> None:
    binaries = server.binaries
    say(f"serving    {settings.public_base_url}")
    say(f"data       {settings.data_dir}")
    say(f"PostgreSQL {binaries.version} ({binaries.source})")
    for member, path in files.items():
        say(f"key of     {member}: {path}")
    say("Ctrl-C stops everything")
