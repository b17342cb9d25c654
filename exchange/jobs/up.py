"""`exchange up`: a whole sandbox on one machine, until it is told to stop.

In:  a data directory, which is made if it is absent.
Out: PostgreSQL, a migrated database, a keyring, a seeded consortium, a sequencer, a worker and the
     server.
Order: each part starts after what it needs, and stops before it: server, worker, sequencer,
       PostgreSQL.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from multiprocessing.context import ForkProcess
from pathlib import Path
from socket import create_connection
from threading import Event
from typing import BinaryIO, TypeAlias

from exchange import settings as settings_module
from exchange.crypto.keyring import create_keyring, load_keyring
from exchange.errors import LaunchError
from exchange.jobs.parents import end_with_parent, name_process
from exchange.settings import Settings
from exchange.settings.sources import PREFIX
from exchange.store.embedded.server import Launch, Server, start
from exchange.store.migrate import migrate
from exchange.store.rights import API, SEQUENCER, WORKER, grant_rights, let_in, url_as

_Run: TypeAlias = Callable[[Settings], int | None]  # the exit code, or None for 0

READY_SECONDS_MAX = 30
_POLL_SECONDS = 0.05
_WATCH_SECONDS = 0.2
_STOP_SECONDS_MAX = READY_SECONDS_MAX + 5
_FORKS = multiprocessing.get_context("fork")  # what is loaded here need not be loaded again


def up(data_dir: Path, port: int, say: Callable[[str], None]) -> None:
    """Start everything, say where it is, and stop it all on SIGINT or SIGTERM.

    Raises:
        LaunchError: something could not be started; what was is stopped again.
    """
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    data_dir = data_dir.absolute()
    launch = _launch(data_dir)
    with ExitStack() as stack:
        server = start(launch)
        stack.callback(server.stop)
        log = stack.enter_context((data_dir / "exchange.log").open("ab"))
        for name, value in _environment(data_dir, port, server).items():
            os.environ[PREFIX + name] = value  # For this process's settings and its children's.
        settings = settings_module.load()
        import exchange.jobs.gunicorn_conf  # noqa: F401 - has all of them count into one folder

        migrate(server.url)
        grant_rights(server.url)  # At each start: the last one may have been killed before it did.
        let_in(server.url)
        files = _prepare(settings)
        gc.collect()
        gc.freeze()  # What is loaded by now stays; the processes forked from here share it.
        children = []
        for name, run in _beside(settings):
            child = _Child(name, run, settings, log)
            stack.callback(child.stop)
            children.append(child)
        web = _Child("serve", _serve, settings, log)
        stack.callback(web.stop)
        _await_port(port, web, stop)
        _tell(say, settings, server, files)
        while not stop.wait(_WATCH_SECONDS):
            server.revive(launch)
            for child in (web, *children):
                child.revive()
        say("stopping")


def _serve(settings: Settings) -> None:
    from exchange.jobs.serve import serve

    serve(settings)


def _beside(settings: Settings) -> list[tuple[str, _Run]]:
    """Say what runs beside the server; a publisher only where there are witnesses to publish to."""
    from exchange.jobs.deliver import run_deliverer
    from exchange.jobs.run_publisher import run_publisher
    from exchange.jobs.run_sequencer import run_sequencer
    from exchange.jobs.work import run_worker

    publisher: list[tuple[str, _Run]] = []
    if settings.witness_policy_path:
        publisher = [("publish", run_publisher)]
    beside: list[tuple[str, _Run]] = [
        ("sequence", run_sequencer),
        ("work", run_worker),
        ("deliver", run_deliverer),
    ]
    return beside + publisher


def _launch(data_dir: Path) -> Launch:
    """Say what to start; settings that speak of another consortium are not overridden."""
    given = settings_module.load(database_url="postgresql:///exchange")
    sandbox = given.sandbox or "sandbox" not in given.model_fields_set
    return Launch(data_dir=data_dir, sandbox=sandbox, pg_bin=given.pg_bin)


def _environment(data_dir: Path, port: int, server: Server) -> dict[str, str]:
    return {
        "DATABASE_URL": server.url,
        "DATA_DIR": str(data_dir),
        "SANDBOX": "true",
        "LISTEN": f"127.0.0.1:{port}",
        "PUBLIC_BASE_URL": f"http://127.0.0.1:{port}",
        "PAGES_BASE_URL": f"http://localhost:{port}",  # passkeys want a name
    }


def _prepare(settings: Settings) -> dict[str, Path]:
    """Make keyring, log and members where there are none; return the members' key files."""
    # Loaded here: it brings the whole application, which a refused start does not need.
    from exchange.app.ports import make_log_ports, make_ports, open_database
    from exchange.services.log.open_log import open_log
    from exchange.services.log.sequence_log import drain_log
    from exchange.services.members.seed_sandbox import seed_sandbox
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
        log_ports, sequence_ports = make_log_ports(settings, ports, log_database)
        open_log(log_ports, lambda log: drain_log(log, sequence_ports))
        return seed_sandbox(settings.data_dir / "members", ports)


_ROLES = {"serve": API, "sequence": SEQUENCER, "publish": SEQUENCER}  # the others: worker


class _Child:
    """A process of ours, named as its command is; it ends when we do, however we end."""

    def __init__(self, name: str, run: _Run, settings: Settings, log: BinaryIO) -> None:
        self._name = name
        self._run = run
        self._settings = settings
        self._log = log
        self._process = self._start()

    def revive(self) -> None:
        """Start it again if it was killed.

        Raises:
            LaunchError: it ended by itself, so it would again.
        """
        code = self._process.exitcode
        if code is not None and code >= 0:
            raise LaunchError(f"`{self._name}` ended (exit {code}); see {self._log.name}")
        if code is not None:
            self._process = self._start()

    def stop(self) -> None:
        """Let it finish what is under way, then end it."""
        self._process.terminate()
        self._process.join(_STOP_SECONDS_MAX)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def _start(self) -> ForkProcess:
        process = _FORKS.Process(target=self._become)
        process.start()
        return process

    def _become(self) -> None:
        os.setsid()  # Ctrl-C reaches the one above alone, and that stops everything in order.
        end_with_parent(signal.SIGTERM)
        name_process(f"cx-{self._name}")
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        os.dup2(self._log.fileno(), sys.stderr.fileno())
        # Each as its own role, as in production; gunicorn reads the settings anew.
        os.environ[f"{PREFIX}DATABASE_URL"] = url_as(
            self._settings.libpq_url, _ROLES.get(self._name, WORKER)
        )
        sys.exit(self._run(settings_module.load()))


def _await_port(port: int, web: _Child, stop: Event) -> None:
    deadline = time.monotonic() + READY_SECONDS_MAX
    while not stop.is_set():
        web.revive()
        if time.monotonic() > deadline:
            raise LaunchError(f"the server did not come up on port {port}")
        try:
            create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(_POLL_SECONDS)
        else:
            return


def _tell(
    say: Callable[[str], None], settings: Settings, server: Server, files: dict[str, Path]
) -> None:
    binaries = server.binaries
    say(f"serving    {settings.public_base_url}")
    say(f"data       {settings.data_dir} (log of the server: exchange.log)")
    say(f"PostgreSQL {binaries.version} ({binaries.source})")
    for member, path in files.items():
        say(f"key of     {member}: {path}")
    say(f"pages      {settings.pages_base_url}/borrower (of members and regulators: /console)")
    say("in another terminal, where both programs are on the path after")
    say(f"           export PATH={Path(sys.executable).parent}:$PATH")
    say("the operator's commands speak to it after")
    say(f"           export {PREFIX}DATABASE_URL_FILE={_url_file(settings)} \\")
    say(f"               {PREFIX}DATA_DIR={settings.data_dir} {PREFIX}SANDBOX=true")
    say("try first: pin it, then ask about a synthetic borrower; without a grant it is WITHHELD")
    say(f"           cx pin {settings.public_base_url} \\")
    say(f"               --fingerprint '{load_keyring(settings.keyring_file).fingerprint}'")
    say("           echo 'ric CN 11010519491231002X' | cx query --purpose credit_application \\")
    say(f"               --id-file - --key-file {next(iter(files.values()), 'KEY_FILE')}")
    say("           # clients/python/README.md goes on: a consent, an answer, a file")
    say("Ctrl-C stops everything")


def _url_file(settings: Settings) -> Path:
    """Keep the database's URL where only its owner reads it: it holds the password."""
    path = settings.data_dir / "database.url"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(settings.libpq_url)
    return path
