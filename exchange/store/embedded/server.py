"""Run a private PostgreSQL for a sandbox: the same engine as production, with nothing to install.

In:  a data directory (laid out in datadir.py), and whether commits must survive a power cut.
Out: a `Server` with its URL; it is stopped in fast mode.
Not here: migrations, and any consortium that is not a sandbox: one machine has no standby.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import psycopg

from exchange.errors import LaunchError
from exchange.store.embedded import datadir
from exchange.store.embedded.binaries import Binaries, executable_by_others, find_binaries
from exchange.store.embedded.memory import memory_bytes, memory_settings

STOP_SECONDS_MAX = 30
START_SECONDS_MAX = 60
# By default glibc gives the memory of each statement back to the system at its end and asks for it
# again at the next: a twentieth of PostgreSQL's CPU, of a query and of a row. A session keeps as
# much as it once used, up to 64 MiB; a worker's merge sorts that much over and over.
KEPT_MEMORY = {"MALLOC_TRIM_THRESHOLD_": str(64 << 20), "MALLOC_MMAP_THRESHOLD_": str(32 << 20)}
KILLED_TRIES_MAX = 50  # every 0.1 s: processes of a killed server need a moment to leave
ROLE = DATABASE = "exchange"
_COMMON = """\
listen_addresses = ''
unix_socket_permissions = 0700
password_encryption = 'scram-sha-256'
timezone = 'UTC'
log_timezone = 'UTC'
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
log_min_error_statement = panic
jit = off
"""
_NOT_DURABLE = """\
fsync = off
synchronous_commit = off
full_page_writes = off
autovacuum = off
"""  # a test's database lives for seconds; a snapshot that comes by chance keeps its dead rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """What to start: where its files are, for whom, and how safe its commits must be."""

    data_dir: Path
    sandbox: bool  # must be true: refused otherwise
    pg_bin: Path | None = None  # EXCHANGE_PG_BIN
    durable: bool = True  # false in ordinary tests only
    connections_max: int = 100


class _RunAs(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]


class Server:
    """A running private PostgreSQL."""

    def __init__(self, data_dir: Path, binaries: Binaries, lock: int | None) -> None:
        self._data_dir = data_dir.absolute()
        self._home = (data_dir / "pg").resolve()
        self._lock = lock
        self.binaries = binaries

    @property
    def pid(self) -> int:
        """Process id of the postmaster."""
        return int(datadir.pid_file(self._home)[0])

    @property
    def url(self) -> str:
        """The libpq URL of the exchange's database; it holds the password."""
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        """The libpq URL of one database of this server."""
        password = (self._data_dir / "postgres.password").read_text()
        return f"postgresql://{ROLE}:{password}@/{database}?host={datadir.pid_file(self._home)[4]}"

    def revive(self, launch: Launch) -> bool:
        """Start the server again if it was killed; say whether that was so."""
        if datadir.running(self._home):
            return False
        self.binaries = _run_server(self._data_dir, launch)
        return True

    def stop(self) -> None:
        """Stop in fast mode: open transactions are rolled back, everything is flushed.

        A server that was killed meanwhile is only let go.
        """
        if datadir.running(self._home):
            socket_dir = Path(datadir.pid_file(self._home)[4])
            _pg_ctl(self.binaries, self._home, "stop", "-m", "fast", "-t", str(STOP_SECONDS_MAX))
            if not socket_dir.is_relative_to(self._home):
                shutil.rmtree(socket_dir, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def start(launch: Launch) -> Server:
    """Start the server of this data directory, making the directory if it is absent.

    A server that outlived its launcher (kill -9) is joined.

    Raises:
        LaunchError: it is no sandbox, the directory is in use, or nothing can be started.
    """
    if not launch.sandbox:
        raise LaunchError(
            "the embedded PostgreSQL is for sandboxes: one machine, no standby, no TLS; "
            "give EXCHANGE_DATABASE_URL"
        )
    data_dir = launch.data_dir.absolute()
    lock = datadir.lock(data_dir)
    try:
        server = Server(data_dir, _run_server(data_dir, launch), lock)
        _make_database(server)
    except BaseException:
        os.close(lock)
        raise
    return server


def attach(data_dir: Path) -> Server | None:
    """Return the server that runs on this data directory, or None; its lock stays as it is."""
    home = (data_dir / "pg").resolve()
    if not home.exists() or not datadir.running(home):
        return None
    return Server(data_dir.absolute(), _binaries_for(home, None), None)


def _run_server(data_dir: Path, launch: Launch) -> Binaries:
    home = datadir.make_home(data_dir)
    binaries = _binaries_for(home, launch.pg_bin)
    killed = datadir.clear_stale(home)
    if datadir.pid_file(home) and not killed:
        _await_ready(home)
        return binaries
    if not (home / "cluster").exists():
        _initialise(data_dir, binaries, durable=launch.durable)
    _configure(home, launch)
    _start(home, binaries, tries=KILLED_TRIES_MAX if killed else 1)
    return binaries


def _binaries_for(home: Path, pg_bin: Path | None) -> Binaries:
    version_file = home / "cluster" / "PG_VERSION"
    major = int(version_file.read_text()) if version_file.exists() else None
    binaries = find_binaries(pg_bin, major=major)
    return executable_by_others(binaries) if datadir.server_user() else binaries


def _await_ready(home: Path) -> None:
    """Wait for a server that outlived its launcher, and may still be recovering."""
    deadline = time.monotonic() + START_SECONDS_MAX
    while not datadir.running(home):
        if time.monotonic() > deadline:
            raise LaunchError(f"the server of {home} runs and does not become ready")
        time.sleep(0.05)


def _initialise(data_dir: Path, binaries: Binaries, *, durable: bool) -> None:
    """Make the cluster under another name first: a half-made one is never taken for whole."""
    home = (data_dir / "pg").resolve()
    draft, pwfile = home / "cluster.new", home / "pwfile"
    shutil.rmtree(draft, ignore_errors=True)
    password = secrets.token_urlsafe(32)
    for path in (data_dir / "postgres.password", pwfile):
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(password)
    datadir.give(pwfile)
    options = ["--encoding=UTF8", "--locale=C", "--data-checksums", "--auth=scram-sha-256"]
    speed = [] if durable else ["--no-sync"]
    initdb = [str(binaries.path / "initdb"), "-D", str(draft), f"--username={ROLE}"]
    _run([*initdb, f"--pwfile={pwfile}", *options, *speed])
    pwfile.unlink()
    with (draft / "postgresql.conf").open("a") as conf:
        conf.write("\ninclude 'exchange.conf'\n")
    draft.rename(home / "cluster")


def _configure(home: Path, launch: Launch) -> None:
    """Write our settings anew at each start; nothing of the machine's defaults is left to count."""
    socket_dir = str(datadir.socket_directory(home)).replace("'", "''")
    lines = _COMMON + (memory_settings(memory_bytes()) if launch.durable else _NOT_DURABLE)
    lines += f"max_connections = {launch.connections_max}\n"
    lines += f"unix_socket_directories = '{socket_dir}'\n"
    conf = home / "cluster" / "exchange.conf"
    conf.write_text(lines)
    conf.chmod(0o644)  # inside a directory of mode 0700


def _start(home: Path, binaries: Binaries, *, tries: int) -> None:
    log = str(home / "postgres.log")
    for left in reversed(range(tries)):
        try:
            _pg_ctl(binaries, home, "start", "-t", str(START_SECONDS_MAX), "-l", log)
        except LaunchError:
            if not left:
                raise
            time.sleep(0.1)
        else:
            return


def _pg_ctl(binaries: Binaries, home: Path, action: str, *options: str) -> None:
    program = str(binaries.path / "pg_ctl")
    try:
        _run([program, action, "-D", str(home / "cluster"), "-w", "-s", *options])
    except LaunchError as error:
        raise LaunchError(f"{error}; see {home / 'postgres.log'}") from None


def _run(command: list[str]) -> None:
    """Run a program of the server as the server's user, with an empty environment."""
    user = datadir.server_user()
    run_as = _RunAs(user=user.pw_uid, group=user.pw_gid, extra_groups=[]) if user else _RunAs()
    with tempfile.TemporaryFile() as output:  # not a pipe: the server would hold it open
        done = subprocess.run(  # noqa: S603 - programs we looked up, no shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={"LC_ALL": "C", "TZ": "UTC", "PATH": os.defpath, **KEPT_MEMORY},
            cwd="/",
            check=False,
            **run_as,
        )
        if done.returncode:
            output.seek(0)
            told = output.read().decode(errors="replace").strip()
            raise LaunchError(f"{Path(command[0]).name} failed: {told[-400:]}")


def _make_database(server: Server) -> None:
    with psycopg.connect(server.url_of("postgres"), autocommit=True) as connection:
        there = "SELECT 1 FROM pg_database WHERE datname = %s"
        if not connection.execute(there, (DATABASE,)).fetchone():
            connection.execute(f'CREATE DATABASE "{DATABASE}"')
