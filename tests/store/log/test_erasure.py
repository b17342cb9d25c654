"""Erasure: what opens a leaf is gone, the leaf stays, and a restored dump forgets again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from exchange.errors import AbsentError, InvalidField, UnavailableError
from exchange.services.erasure.ports import ErasePorts
from exchange.services.erasure.shred_openings import (
    Erased,
    erase_quarter,
    erase_subject,
    shred_again,
)
from exchange.services.log.verify_log import verify_log
from exchange.services.log.write_leaves import write_leaves
from exchange.store.embedded.server import Server
from exchange.store.log.erasure import ShredFile
from tests.support.access_log import AccessLog, access_log, copy_database, query_draft, run_sql

SUBJECT, OTHER = "p:" + "a" * 32, "p:" + "b" * 32


@contextmanager
def looked_at(url: str, directory: Path) -> Iterator[tuple[AccessLog, ErasePorts]]:
    """A log in which two subjects were looked at: leaves 1 and 3 are about SUBJECT."""
    with access_log(url, directory) as log:
        yield log, ports_of(log, directory)


def ports_of(log: AccessLog, directory: Path) -> ErasePorts:
    return ErasePorts(
        ports=log.ports, begin=log.database.begin, shredded=ShredFile(directory / "shredded")
    )


def look(log: AccessLog, subject: str) -> bytes:
    draft = query_draft("member-a", subject)
    with log.ports.begin() as work:
        (leaf,) = write_leaves(work, [draft], log.ports, log.clock.now)
        work.commit()
    return leaf.leaf_hash


def fill(log: AccessLog) -> list[bytes]:
    log.open()
    leaves = [look(log, subject) for subject in (SUBJECT, OTHER, SUBJECT)]
    log.turn()
    return leaves


def audit_of(log: AccessLog, erased: Erased) -> dict[str, object]:
    log.turn()
    opened = log.opened(erased.leaves[0])
    assert isinstance(opened["audit"], dict)
    return dict(opened["audit"])


def test_an_erased_subject_is_opened_no_more_and_its_leaves_stay(
    database_url: str, tmp_path: Path
) -> None:
    """What was ordered to be forgotten would be read again; or the log would lose its proof."""
    with looked_at(database_url, tmp_path) as (log, ports):
        mine, other, _ = fill(log)

        erased = erase_subject(SUBJECT, "PIPL art. 47", "case-1", ports)

        assert 1 == erased.keys
        for table in ("opening_key", "opening"):
            rows = run_sql(log.url, f"SELECT 1 FROM {table} WHERE starts_with(key_id, '{SUBJECT}')")
            assert [] == rows
        assert [] == run_sql(log.url, f"SELECT 1 FROM log_search WHERE subject = '{SUBJECT}'")
        assert "member-a" == json.loads(json.dumps(log.opened(other)["subject"]))["member"]
        assert {"case": "case-1", "indices": [1, 3]} == audit_of(log, erased)
        assert 5 == verify_log(log.open(), log.sequencer)
        with pytest.raises(AbsentError):
            log.proven(mine)


def test_the_leaf_of_an_erasure_names_nobody(database_url: str, tmp_path: Path) -> None:
    """The log itself would tell whom it was told to forget."""
    with looked_at(database_url, tmp_path) as (log, ports):
        fill(log)

        erased = erase_subject(SUBJECT, "PIPL art. 47", "case-1", ports)

        audit_of(log, erased)
        assert SUBJECT not in json.dumps(log.opened(erased.leaves[0]))
        assert SUBJECT not in (tmp_path / "shredded").read_text()


def test_a_subject_that_is_erased_can_be_looked_at_again(database_url: str, tmp_path: Path) -> None:
    """A new application in the same quarter would meet a key that opens nothing."""
    with looked_at(database_url, tmp_path) as (log, ports):
        fill(log)
        erase_subject(SUBJECT, "PIPL art. 47", "case-1", ports)

        again = look(log, SUBJECT)

        log.turn()
        assert 5 == log.proven(again).index


def test_a_leaf_that_waits_for_its_index_puts_the_erasure_off(
    database_url: str, tmp_path: Path
) -> None:
    """The leaf of the erasure could not name it, and an export would not account for it."""
    with looked_at(database_url, tmp_path) as (log, ports):
        log.open()
        look(log, SUBJECT)

        with pytest.raises(UnavailableError):
            erase_subject(SUBJECT, "PIPL art. 47", "case-1", ports)

        assert frozenset() == ports.shredded.all()


def test_a_restored_dump_is_shredded_again_before_it_serves(
    database_url: str, tmp_path: Path, postgres_server: Server
) -> None:
    """Every backup would bring back what was ordered to be forgotten."""
    with looked_at(database_url, tmp_path) as (log, _):
        fill(log)
    dump_url = copy_database(postgres_server, database_url)
    with looked_at(database_url, tmp_path) as (log, ports):
        erase_subject(SUBJECT, "PIPL art. 47", "case-1", ports)
    with looked_at(dump_url, tmp_path) as (log, ports):
        assert run_sql(log.url, f"SELECT 1 FROM log_search WHERE subject = '{SUBJECT}'")

        erased = shred_again(ports)

        assert 1 == erased.keys
        assert [] == run_sql(log.url, f"SELECT 1 FROM log_search WHERE subject = '{SUBJECT}'")
        assert 0 == shred_again(ports).keys


def test_a_quarter_goes_when_its_retention_has_ended_and_not_before(
    database_url: str, tmp_path: Path
) -> None:
    """Looks of long ago would be kept for ever, or those of today lost."""
    with looked_at(database_url, tmp_path) as (log, ports):
        fill(log)
        with pytest.raises(InvalidField, match="over for"):
            erase_quarter("2026Q3", ports)
        log.clock.now = int(datetime(2050, 1, 1, tzinfo=UTC).timestamp())
        log.open()

        erased = erase_quarter("2026Q3", ports)

        assert erased.keys >= 2
        assert {"quarter": "2026Q3"} == audit_of(log, erased)


@pytest.mark.parametrize("name", ["2026Q5", "2026", "", "2026Q3 "])
def test_what_is_no_quarter_is_refused(database_url: str, tmp_path: Path, name: str) -> None:
    """A mistyped name must not erase something else."""
    with looked_at(database_url, tmp_path) as (_, ports), pytest.raises(InvalidField):
        erase_quarter(name, ports)
