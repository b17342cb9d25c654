"""A log that is lost is given up by two people, in the open, and never continued."""

from __future__ import annotations

from pathlib import Path

import pytest

from exchange.app.ports import make_erase_ports
from exchange.app.publishing import excusing
from exchange.crypto.renewal import renew_checkpoint_key
from exchange.domain.base64url import b64url
from exchange.errors import ConflictError, InvalidField, LogRolledBack, UnavailableError
from exchange.services.log.approve import Approval
from exchange.services.log.check_restored import check_restored
from exchange.services.log.ports import LogRef
from exchange.services.log.recover_log import recover_log
from exchange.settings import Settings
from exchange.store.embedded.server import Server
from tests.support.access_log import START, AccessLog, access_log, copy_database, run_sql

TWO = Approval("lena", "omar")
NEW = "2026-r1"


@pytest.fixture
def restored(database_url: str, tmp_path: Path, postgres_server: Server) -> tuple[str, bytes]:
    """A dump of a log, and the checkpoint that was signed after it."""
    with access_log(database_url, tmp_path) as log:
        log.turn()
        log.write(2)
        log.turn()
        log.write(1)
    url = copy_database(postgres_server, database_url)
    with access_log(database_url, tmp_path) as log:
        log.write(5)
        log.turn()
        note = log.outside().read_bytes()
    return url, note


def checked(log: AccessLog, directory: Path) -> None:
    """Do what a server does before it serves."""
    settings = Settings.model_validate({"database_url": log.url, "data_dir": directory})
    erase_ports = make_erase_ports(settings, log.ports, log.database)
    check_restored(log.files.read, log.log_ports, erase_ports)


def test_a_log_is_given_up_in_the_open_and_another_opened_under_a_new_key(
    restored: tuple[str, bytes], tmp_path: Path
) -> None:
    """Members could not tell an accident from a history that was rewritten."""
    url, note = restored
    with access_log(url, tmp_path) as log:
        old_key = log.ports.keyring.checkpoint_public_key
        with pytest.raises(LogRolledBack):
            log.turn()
        (waiting,) = run_sql(
            url, "SELECT leaf_hash FROM leaf WHERE ord NOT IN (SELECT ord FROM leaf_place)"
        )
    renew_checkpoint_key(tmp_path / "keyring.json", now=START + 1)

    with access_log(url, tmp_path, restart=NEW) as log:
        done = recover_log(TWO, None, log.files.read, log.log_ports)
        turn = log.turn()
        (opened,) = run_sql(
            url,
            "SELECT leaf_hash FROM log_search WHERE kind = 'log_open' "
            "ORDER BY leaf_hash IN (SELECT leaf_hash FROM leaf WHERE log_id = 1) LIMIT 1",
        )
        (admin,) = run_sql(url, "SELECT leaf_hash FROM log_search WHERE kind = 'admin'")
        assert isinstance(opened[0], bytes)
        assert isinstance(admin[0], bytes)
        first, said = log.opened(opened[0]), log.opened(admin[0])
        leaf = log.write(1)[0].leaf_hash
        log.turn()

        assert (log.origin(), 2) == (done.opened, turn.size)
        assert done.opened.endswith(f"/access/{NEW}")
        assert old_key != log.ports.keyring.checkpoint_public_key
        assert log.origin() == log.proven(leaf).origin
        assert isinstance(waiting[0], bytes)
        assert [b64url(waiting[0])] == [one.leaf for one in done.unproven]
        origin, size, root = note.decode().split("\n")[:3]
        assert {"origin": origin, "size": int(size), "root": root} == first["audit"]["previous"]  # type: ignore[index,call-overload]  # objects
        assert (int(size), 3) == (done.signed_size, done.held)
        assert ["lena", "omar"] == said["audit"]["approvers"]  # type: ignore[index,call-overload]  # objects
        with pytest.raises(InvalidField):
            recover_log(TWO, None, log.files.read, log.log_ports)


def test_nothing_is_given_up_by_one_person_or_under_the_old_name_or_key(
    restored: tuple[str, bytes], tmp_path: Path
) -> None:
    """One stolen password could drop a year of looks; one key for two logs is a fork."""
    url, note = restored
    with access_log(url, tmp_path) as log, pytest.raises(InvalidField, match="name the new one"):
        recover_log(TWO, None, log.files.read, log.log_ports)
    with access_log(url, tmp_path, restart=NEW) as log:
        for alone in (Approval("lena", "lena"), Approval("lena", " "), Approval("", "omar")):
            with pytest.raises(InvalidField, match="two people"):
                recover_log(alone, None, log.files.read, log.log_ports)
        with pytest.raises(InvalidField, match="renew-checkpoint"):
            recover_log(TWO, note, log.files.read, log.log_ports)
    renew_checkpoint_key(tmp_path / "keyring.json", now=START + 1)
    with access_log(url, tmp_path, restart=NEW) as log:
        for false in (b"", note.replace(b"\n9\n", b"\n8\n"), b"nonsense\n"):
            with pytest.raises(InvalidField):
                recover_log(TWO, false, log.files.read, log.log_ports)

        assert [(1,)] == run_sql(url, "SELECT count(*) FROM log WHERE closed_at IS NULL")


def test_there_must_be_a_log_to_give_up(database_url: str, tmp_path: Path) -> None:
    """A name mistyped in a fresh database would start its history with a lie."""
    with (
        access_log(database_url, tmp_path, restart=NEW) as log,
        pytest.raises(ConflictError),
    ):
        recover_log(TWO, None, log.files.read, log.log_ports)


def test_a_server_refuses_a_restored_dump_before_any_sequencer_was_started(
    restored: tuple[str, bytes], tmp_path: Path, database_url: str
) -> None:
    """Questions would be answered from a database whose looks are lost, until somebody noticed."""
    with access_log(restored[0], tmp_path) as log, pytest.raises(LogRolledBack):
        checked(log, tmp_path)
    with access_log(database_url, tmp_path) as log:
        checked(log, tmp_path)  # The true one is served.


def test_a_server_refuses_a_dump_that_brings_back_what_was_shredded(
    database_url: str, tmp_path: Path
) -> None:
    """An erased person would be shown again, by whichever process came up first."""
    with access_log(database_url, tmp_path) as log:
        log.turn()
        log.write(1)
        log.turn()
        checked(log, tmp_path)
        (row,) = run_sql(
            database_url,
            "SELECT encode(sha256(convert_to(key_id, 'UTF8') || wrapped), 'hex') "
            "FROM opening_key WHERE starts_with(key_id, 'p:')",
        )
        settings = Settings.model_validate({"database_url": log.url, "data_dir": tmp_path})
        settings.shred_file.write_text(f"{row[0]}\n")

        with pytest.raises(LogRolledBack, match="start the sequencer first"):
            checked(log, tmp_path)


def test_two_people_may_excuse_witnesses_that_do_not_answer_but_none_that_contradicts() -> None:
    """A log that a witness saw larger must stop, whoever wants it to go on."""
    log = LogRef(1, "exchange.example/access/2026")

    def silent(log: LogRef) -> None:
        raise UnavailableError("no witness answers")

    def contradicted(log: LogRef) -> None:
        raise LogRolledBack("a witness saw more")

    excusing(silent)(log)
    with pytest.raises(LogRolledBack):
        excusing(contradicted)(log)
