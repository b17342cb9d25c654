"""One private PostgreSQL a test run, and a migrated database without rows for each test.

The first test that asks starts the server; the run's workers share it; the process that started
the run stops it. A run that was killed is cleaned up by the next one. All files of a run are in
memory where there is room: on a disk, making a database waits for what other tests write.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import os
import shutil
import signal
import tempfile
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from itertools import count
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it ships no types
import psycopg
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import create_engine

from exchange.store.embedded.binaries import Binaries, find_binaries, installed
from exchange.store.embedded.server import ROLE, Launch, Server, attach, start
from exchange.store.functions import FUNCTIONS
from exchange.store.migrate import migrate
from exchange.store.rights import ROLES, grant_rights, let_in
from exchange.store.schema import metadata
from tests.support.databases.emptying import Template, emptied, read_template

RUN_DIR = "CX_TEST_RUN_DIR"  # handed to the workers of this run by environment
TEMPLATE = "cx_template"
MEMORY = Path("/dev/shm")  # noqa: S108 - the run's directory in it is made under a name of its own
MEMORY_BYTES_MIN = 2 << 30  # what a whole run with both engines may need
TURNS_MAX = 50  # of one database: what is deleted keeps its room
_PREFIX = "cxt-"
_numbers = count(1)
_used: dict[str, list[str]] = {}  # this process's databases, by server, that tests are done with
_turns: dict[str, int] = {}  # tests that each of them had
_templates: dict[str, Template] = {}  # by server


def open_run() -> None:
    """Make this run's directory for all its files, after removing what killed runs left."""
    disk, place = Path(tempfile.gettempdir()), _place()
    for left in (one for at in {disk, place} for one in at.glob(f"{_PREFIX}*")):
        if left.stat().st_uid == os.geteuid() and not _alive(int(left.name.rpartition("-")[2])):
            _remove(left)
    run = place / f"{_PREFIX}{os.getpid()}"
    run.mkdir(mode=0o711, exist_ok=True)
    run.chmod(0o711)
    os.environ[RUN_DIR] = os.environ["TMPDIR"] = tempfile.tempdir = str(run)


def close_run() -> None:
    """Stop the run's servers and remove its directory."""
    _remove(Path(os.environ[RUN_DIR]))


@cache
def engines() -> dict[str, Binaries]:
    """The servers that tests run on: the newest, and the oldest where it is another version."""
    found = sorted(installed(), key=lambda one: one.major)
    newest = find_binaries()
    return {f"pg{one.major}": one for one in (newest, found[0])}


@cache
def server(engine: str) -> Server:
    """Return the run's server of this engine, started and with its template by the first caller."""
    data_dir = Path(os.environ[RUN_DIR]) / engine
    with _only_one(data_dir.with_suffix(".lock")):
        if running := attach(data_dir):
            return running
        launch = Launch(
            data_dir=data_dir,
            sandbox=True,
            pg_bin=engines()[engine].path,
            durable=False,
            connections_max=200,
        )
        started = start(launch)
        _make_template(started)
        _hurry_passwords(started)
        return started


def lay_out(url: str) -> None:
    """Bring a database to this version's schema, with its roles let in, as `exchange up` does."""
    migrate(url)
    grant_rights(url)
    let_in(url)


def describe(url: str) -> None:
    """Give an empty database what schema.py and functions.py describe, without migrating."""
    engine = create_engine(url)
    metadata.create_all(engine)
    engine.dispose()
    with psycopg.connect(url) as connection:
        for text in FUNCTIONS.values():
            connection.execute(text.encode())


def kill(running: Server) -> None:
    """Kill -9 the server, as a power cut would; `start` brings it back."""
    pid = running.pid
    sessions = psutil.Process(pid).children()  # They outlive it by a moment, and would answer.
    os.kill(pid, signal.SIGKILL)
    for session in sessions:
        with suppress(psutil.NoSuchProcess):
            session.kill()
            await_gone(session.pid)
    await_gone(pid)
    running.stop()


def await_gone(pid: int) -> None:
    """Wait until a process has ended, whether or not its parent has taken notice."""
    while True:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return
        if state in {"Z", "X"}:
            return
        time.sleep(0.001)


@contextmanager
def clone(of: Server) -> Iterator[str]:
    """Yield the URL of a database that is as the template: one that was emptied, or a fresh one.

    Emptied or dropped only when the next one is asked for: at once, it would often wait a tenth of
    a second for connections that still close.
    """
    used = _used.setdefault(of.url, [])
    name = _emptied(of, used) or _fresh(of)
    yield of.url_of(name)
    used.append(name)


def _emptied(of: Server, used: list[str]) -> str | None:
    """Return a database of an earlier test without what that wrote, dropping what cannot be it."""
    while used:
        name = used.pop()
        _turns[name] = _turns.get(name, 0) + 1
        if _turns[name] < TURNS_MAX and emptied(of.url_of(name), _templates[of.url]):
            return name
        with psycopg.connect(of.url_of("postgres"), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    return None


def _fresh(of: Server) -> str:
    name = f"cx_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(of.url_of("postgres"), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE {TEMPLATE} STRATEGY FILE_COPY')
    if of.url not in _templates:
        _templates[of.url] = read_template(of.url_of(name))
    return name


def _hurry_passwords(started: Server) -> None:
    """Let the password be stretched once, not 4,096 times at each of some 10,000 connections.

    Source: RFC 5802 section 3; the form is that of pg_authid.rolpassword.
    """
    password = conninfo_to_dict(started.url)["password"]
    salt = os.urandom(16)
    salted = hashlib.pbkdf2_hmac("sha256", str(password).encode(), salt, 1)
    client = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    told = [b64encode(one).decode() for one in (salt, client, server_key)]
    verifier = "SCRAM-SHA-256$1:{}${}:{}".format(*told)
    with psycopg.connect(started.url_of("postgres"), autocommit=True) as connection:
        for role in (ROLE, *ROLES):
            connection.execute(f"ALTER ROLE {role} PASSWORD '{verifier}'")


def _make_template(started: Server) -> None:
    with psycopg.connect(started.url_of("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {TEMPLATE}")
        lay_out(started.url_of(TEMPLATE))
        connection.execute("CHECKPOINT")


def _place() -> Path:
    """Return where runs keep their files: memory that has room and may hold programs, or disk."""
    try:
        told = os.statvfs(MEMORY)
    except OSError:
        return Path(tempfile.gettempdir())
    roomy = told.f_bavail * told.f_frsize >= MEMORY_BYTES_MIN and os.access(MEMORY, os.W_OK)
    fit = roomy and not told.f_flag & os.ST_NOEXEC
    return MEMORY if fit else Path(tempfile.gettempdir())


@contextmanager
def _only_one(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists() if Path("/proc/self").exists() else True


def _remove(run: Path) -> None:
    for data_dir in (path for path in run.iterdir() if path.is_dir()):
        if running := attach(data_dir):
            running.stop()
    shutil.rmtree(run, ignore_errors=True)
