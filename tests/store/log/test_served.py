"""What a server refuses to serve: a database that is not the one that was signed and shredded."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from exchange.domain.merkle import EMPTY_ROOT, TreeHead
from exchange.errors import LogRolledBack
from exchange.jobs.serve import check_database
from exchange.services.log.guard_log import signed_note
from exchange.settings import Settings
from exchange.store.log.erasure import ShredFile
from exchange.store.rights import API, url_as
from tests.support.access_log import AccessLog, Clock, access_log, run_sql
from tests.support.log.lines import logged

SIZE = 4


@pytest.fixture
def log(database_url: str, tmp_path: Path) -> Iterator[AccessLog]:
    """A log of four leaves, signed at one leaf and at four."""
    with access_log(database_url, tmp_path, clock=Clock(int(time.time()))) as made:
        made.turn()
        made.write(SIZE - 1)
        made.turn()
        yield made


def settings_of(log: AccessLog, **options: object) -> Settings:
    """The settings of a server, which has no more than its own role's rights."""
    directory = log.outside().parent
    return Settings.model_validate(
        {"database_url": url_as(log.url, API), "data_dir": directory, "sandbox": True, **options}
    )


def signed(size: int, root: bytes) -> Callable[[AccessLog], bytes]:
    def note(log: AccessLog) -> bytes:
        return signed_note(log.origin(), TreeHead(size=size, root=root), log.ports.keyring)

    return note


def earlier(log: AccessLog) -> bytes:
    (note,) = run_sql(log.url, "SELECT note FROM checkpoint WHERE size = 1")[0]
    return str(note).encode()


OUTSIDE: dict[str, tuple[Callable[[AccessLog], bytes], bool]] = {
    "the same": (lambda log: log.outside().read_bytes(), True),
    "lagging": (earlier, True),
    "of no leaf": (signed(0, EMPTY_ROOT), True),
    "larger": (signed(SIZE + 1, bytes(32)), False),
    "of this size and another tree": (signed(SIZE, bytes(32)), False),
    "smaller, of another tree": (signed(1, bytes(32)), False),
    "of another key": (lambda log: log.outside().read_bytes().replace(b"\n4\n", b"\n3\n"), False),
    "torn": (lambda log: log.outside().read_bytes()[:-9], False),
}


def test_a_server_holds_its_database_against_the_outside_checkpoint_size_and_root(
    log: AccessLog,
) -> None:
    """A dump that grew again to the size that was signed would be served as the true log."""
    whole = log.outside().read_bytes()
    for note, served in OUTSIDE.values():
        log.outside().write_bytes(note(log))
        refused = nullcontext() if served else pytest.raises(LogRolledBack)
        with refused:
            check_database(settings_of(log))
        log.outside().write_bytes(whole)


def test_a_checkpoint_that_cannot_be_read_where_the_settings_name_it_stops_the_server(
    log: AccessLog, tmp_path: Path
) -> None:
    """A check that passes because its file is out of reach is none, and nobody would know."""
    (tmp_path / "elsewhere").mkdir()
    named = settings_of(log, checkpoint_path=tmp_path / "elsewhere" / "checkpoint")
    with pytest.raises(LogRolledBack, match="no checkpoint is at checkpoint_path"):
        check_database(named)

    log.outside().rename(tmp_path / "kept")
    with logged() as lines:
        check_database(settings_of(log))
    told = json.loads(lines.getvalue())
    assert "checkpoint_path is not set: a restored database would be served" == told["event"]
    assert told["alarm"]

    log.outside().mkdir()  # There, and not to be read, whoever runs this.
    with pytest.raises(IsADirectoryError):
        check_database(settings_of(log))
    log.outside().rmdir()
    (tmp_path / "kept").rename(log.outside())
    (tmp_path / "shredded").mkdir()
    with pytest.raises(IsADirectoryError):
        check_database(settings_of(log))


def test_serve_ends_with_its_own_exit_code_where_the_database_is_an_older_one(
    log: AccessLog,
) -> None:
    """The supervisor would start it again and again, or, worse, it would answer."""
    log.outside().write_bytes(signed(SIZE + 1, bytes(32))(log))
    env = {
        "PATH": os.environ["PATH"],
        "EXCHANGE_DATABASE_URL": log.url,
        "EXCHANGE_DATA_DIR": str(log.outside().parent),
        "EXCHANGE_SANDBOX": "true",
        "EXCHANGE_LISTEN": "127.0.0.1:0",
    }
    command = [sys.executable, "-m", "exchange.cli", "serve"]

    done = subprocess.run(command, env=env, capture_output=True, check=False, timeout=60)

    assert (3, b"") == (done.returncode, done.stdout)
    assert b"refused: " in done.stderr
    assert b"signed before and not part of this database" in done.stderr


@pytest.mark.parametrize(("directory", "file"), [(0o700, 0o600), (0o750, 0o640), (0o755, 0o640)])
def test_whom_the_directory_lets_in_as_its_group_may_read_what_is_kept_there(
    database_url: str, tmp_path: Path, directory: int, file: int
) -> None:
    """The server runs as another user than the sequencer; no umask may shut it out unseen."""
    held = tmp_path / "held"
    held.mkdir()
    held.chmod(directory)
    before = os.umask(0o077)
    try:
        with access_log(database_url, held) as log:
            log.turn()
            ShredFile(held / "shredded").add(["ab"])

            written = (log.outside(), held / "shredded")
            modes = {stat.S_IMODE(path.stat().st_mode) for path in written}
    finally:
        os.umask(before)

    assert {file} == modes
