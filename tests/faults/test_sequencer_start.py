"""What a sequencer does before its first turn, and again once it had lost its database."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from exchange.app.ports import make_erase_ports
from exchange.errors import InvalidField, LogRolledBack
from exchange.jobs.run_sequencer import run_sequencer
from exchange.jobs.sequence import Late, sequence
from exchange.services.erasure.shred_openings import erase_subject
from exchange.services.log.approve import Approval
from exchange.services.log.ports import LogRef
from exchange.services.log.sequence_log import Turn
from exchange.services.log.write_leaves import write_leaves
from exchange.settings import Settings
from exchange.store.embedded.server import Server
from tests.support.access_log import (
    AccessLog,
    Clock,
    access_log,
    copy_database,
    query_draft,
    run_sql,
)
from tests.support.log.processes import running, until
from tests.support.log.witnesses import WitnessSet, witness_set

SUBJECT = "p:" + "a" * 32


def sizes(log: AccessLog) -> list[int]:
    """Every size that was signed, in order."""
    rows = run_sql(log.url, "SELECT size FROM checkpoint ORDER BY size")
    return [size for (size,) in rows if isinstance(size, int)]


def admin_leaves(log: AccessLog) -> list[bytes]:
    rows = run_sql(log.url, "SELECT leaf_hash FROM log_search WHERE kind = 'admin'")
    return [leaf for (leaf,) in rows if isinstance(leaf, bytes)]


@pytest.fixture
def log(database_url: str, tmp_path: Path) -> Iterator[AccessLog]:
    """A log that was sequenced once, with a leaf that waits."""
    with access_log(database_url, tmp_path, clock=Clock(int(time.time()))) as made:
        made.turn()
        made.write(1)
        yield made


@pytest.fixture
def witnesses(tmp_path: Path) -> Iterator[WitnessSet]:
    """Two witnesses, and neither of them answers."""
    (tmp_path / "witnesses").mkdir()
    with witness_set(tmp_path / "witnesses") as made:
        yield made


def test_without_a_witness_that_answers_it_waits_for_two_people_who_say_go_on(
    log: AccessLog, witnesses: WitnessSet
) -> None:
    """One restart while the witnesses are away, and a restored database would be signed."""
    witnesses.know(log.vkey())
    with running(log.place(), "sequence", witness_policy_path=witnesses.policy) as waiting:
        until(lambda: waiting.said.read_bytes().count(b"sequencer waits") > 2)
        assert 0 == waiting.end()
    assert [1] == sizes(log)
    assert [] == admin_leaves(log)

    two = ("sequence", "--unwitnessed", "--by", "lena", "--by", "omar")
    with running(log.place(), *two, witness_policy_path=witnesses.policy) as excused:
        until(lambda: log.outside().read_bytes().split(b"\n")[1] == b"3")
        assert 0 == excused.end()

    (leaf,) = admin_leaves(log)
    opened = log.opened(leaf)
    assert isinstance(opened["subject"], dict)
    assert isinstance(opened["audit"], dict)
    assert "log.unwitnessed" == opened["subject"]["event"]
    assert ["lena", "omar"] == opened["audit"]["approvers"]


def test_one_person_alone_does_not_go_on_without_witnesses(tmp_path: Path) -> None:
    """Whoever restores a database to hide something would also be who excuses the witnesses."""
    for alone in (Approval("lena", "lena"), Approval("lena", " ")):
        with pytest.raises(InvalidField, match="two people"):
            run_sequencer(Settings.model_validate({"data_dir": tmp_path}), unwitnessed=alone)


def test_what_a_restored_database_brought_back_is_shredded_before_anything_is_signed(
    database_url: str, tmp_path: Path, postgres_server: Server
) -> None:
    """Every turn shows leaves: an erased person would be opened until somebody noticed."""
    clock = Clock(int(time.time()))
    with access_log(database_url, tmp_path, clock=clock) as log:
        log.open()
        draft = query_draft("member-a", SUBJECT)
        with log.ports.begin() as work:
            write_leaves(work, [draft], log.ports, log.clock.now)
            work.commit()
        log.turn()
        log.write(1)
    dump_url = copy_database(postgres_server, database_url)
    with access_log(database_url, tmp_path, clock=clock) as log:
        settings = Settings.model_validate({"database_url": database_url, "data_dir": tmp_path})
        erase_subject(
            SUBJECT, "PIPL art. 47", "case-1", make_erase_ports(settings, log.ports, log.database)
        )
    kept = f"SELECT 1 FROM opening_key WHERE starts_with(key_id, '{SUBJECT}')"
    with access_log(dump_url, tmp_path, clock=clock) as log:
        assert [(1,)] == run_sql(log.url, kept)

        with running(log.place(), "sequence") as sequencer:
            until(lambda: log.outside().read_bytes().split(b"\n")[1] == b"4")
            assert 0 == sequencer.end()

        assert [] == run_sql(log.url, kept)
        assert [2, 4] == sizes(log)  # The waiting leaf was signed with the erasure's, not before.
        alarms = [
            line
            for line in map(json.loads, sequencer.said.read_text().splitlines())
            if "alarm" in line
        ]
        assert ["a restored database held shredded keys"] == [line["event"] for line in alarms]


def test_witnesses_vouch_before_the_first_turn_and_again_after_the_database_was_lost(
    log: AccessLog,
) -> None:
    """While the connection was gone an older database may have taken the other's place."""
    asked: list[LogRef] = []
    told: list[Turn | Late] = []
    stop = Event()

    def report(turn: Turn | Late) -> None:
        told.append(turn)
        if len(told) == 3:
            run_sql(
                log.url,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()",
            )
        if len(told) >= 50 or (
            isinstance(turn, Turn) and any(isinstance(one, Late) for one in told)
        ):
            stop.set()

    ports = replace(log.sequencer, vouch=asked.append)
    sequence(log.log_ports, ports, interval_seconds=0.01, stop=stop, report=report)

    late = [isinstance(one, Late) for one in told]
    assert [False, False, False, True] == late[:4]
    assert not late[-1]
    assert [log.open()] * 2 == asked


def test_a_log_that_a_witness_contradicts_gets_no_turn(log: AccessLog) -> None:
    """A signature under a fork cannot be taken back."""

    def contradicted(log: LogRef) -> None:
        raise LogRolledBack("a witness saw more")

    ports = replace(log.sequencer, vouch=contradicted)
    with pytest.raises(LogRolledBack):
        sequence(
            log.log_ports, ports, interval_seconds=0.01, stop=Event(), report=lambda turn: None
        )

    assert [1] == sizes(log)
