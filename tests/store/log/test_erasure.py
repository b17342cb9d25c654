"""Erasure: what opens a leaf is gone, the leaf stays, and a restored dump forgets again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from exchange.domain.leaves import Slot, opening_aad, pad_opening
from exchange.errors import AbsentError, IntegrityError, InvalidField, UnavailableError
from exchange.services.erasure.ports import ErasePorts
from exchange.services.erasure.shred_openings import (
    Erased,
    erase_quarter,
    erase_subject,
    shred_again,
)
from exchange.services.log.verify_log import verify_log
from exchange.services.log.write_leaves import opening_key, write_leaves
from exchange.store.embedded.server import Server
from exchange.store.log.erasure import ShredFile
from tests.support.access_log import AccessLog, access_log, copy_database, query_draft, run_sql

WHOSE = "WHERE subject = 'p:" + "a" * 32 + "'"
# At the commit, when everything else is done: as a power cut, which no service notices.
CUT = """
CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'the power went'; END $$;
CREATE CONSTRAINT TRIGGER cut AFTER DELETE ON opening_key DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION cut();
"""
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
        assert {"indices": [1, 3]} == audit_of(log, erased)
        said = log.opened(erased.leaves[0])["subject"]
        assert ("erasure", "restored") == (said["kind"], said["basis"])  # type: ignore[index, call-overload]  # JSON, or the test fails
        assert 0 == shred_again(ports).keys


def at(year: int, month: int, day: int) -> int:
    return int(datetime(year, month, day, tzinfo=UTC).timestamp())


def test_a_quarter_goes_in_the_second_in_which_its_retention_ends(
    database_url: str, tmp_path: Path
) -> None:
    """Looks of long ago would be kept for ever, or some be lost that the law still keeps."""
    with looked_at(database_url, tmp_path) as (log, ports):
        fill(log)
        kept_years = log.ports.terms.profile.access_log_years
        ended = at(2026 + kept_years, 10, 1)  # the quarter ended with September
        for now in (log.clock.now, ended - 1):
            log.clock.now = now
            log.open()
            with pytest.raises(InvalidField, match=f"over for {kept_years} years"):
                erase_quarter("2026Q3", ports)
        log.clock.now = ended

        erased = erase_quarter("2026Q3", ports)

        assert 3 == erased.keys  # two subjects, and what is about nobody
        assert {"quarter": "2026Q3"} == audit_of(log, erased)
        with pytest.raises(AbsentError):
            erase_quarter("2026Q3", ports)


def test_the_next_quarter_stays_when_one_goes(database_url: str, tmp_path: Path) -> None:
    """Half a year of looks would go with each quarter: keys are of one subject and one quarter."""
    with looked_at(database_url, tmp_path) as (log, ports):
        old = fill(log)
        log.clock.now = at(2026, 10, 1)
        new = [look(log, subject) for subject in (SUBJECT, OTHER)]
        log.turn()
        log.clock.now = at(2026 + log.ports.terms.profile.access_log_years, 10, 1)
        log.open()

        erase_quarter("2026Q3", ports)

        left = {row[0] for row in run_sql(log.url, "SELECT leaf_hash FROM opening")}
        assert (set(), set(new)) == (left & set(old), left & set(new))
        keys = {row[0] for row in run_sql(log.url, "SELECT key_id FROM opening_key")}
        assert {f"{SUBJECT}/2026Q4", f"{OTHER}/2026Q4"} <= keys
        assert not [key for key in keys if str(key).endswith("/2026Q3")]


def test_a_subject_goes_with_every_quarter_and_another_one_stays(
    database_url: str, tmp_path: Path
) -> None:
    """What was looked at last year would survive an order to forget."""
    with looked_at(database_url, tmp_path) as (log, ports):
        _, other, _ = fill(log)
        log.clock.now = at(2026, 10, 1)
        look(log, SUBJECT)
        log.turn()

        erased = erase_subject(SUBJECT, "PIPL art. 47", "case-1", ports)

        assert 2 == erased.keys
        assert "member-a" == json.loads(json.dumps(log.opened(other)["subject"]))["member"]
        counted = run_sql(log.url, f"SELECT last_seq, erased FROM subject_counter {WHOSE}")
        assert [(3, 3)] == counted  # its next look is the fourth, and none is missing
        with pytest.raises(AbsentError):
            erase_subject(SUBJECT, "PIPL art. 47", "case-1", ports)


def test_a_cut_before_the_commit_leaves_keys_listed_and_the_same_order_finishes_it(
    database_url: str, tmp_path: Path
) -> None:
    """The other way round a restored dump would bring back what no list names."""
    with looked_at(database_url, tmp_path) as (log, ports):
        fill(log)

        run_sql(log.url, CUT)
        with pytest.raises(psycopg.Error):
            erase_subject(SUBJECT, "PIPL art. 47", "case-1", ports)
        run_sql(log.url, "DROP TRIGGER cut ON opening_key")
        listed = ports.shredded.all()
        assert run_sql(log.url, f"SELECT 1 FROM opening_key WHERE starts_with(key_id, '{SUBJECT}')")

        erased = erase_subject(SUBJECT, "PIPL art. 47", "case-1", ports)

        assert (1, 1) == (len(listed), erased.keys)
        assert listed == ports.shredded.all()  # No fingerprint twice.
        lines = (tmp_path / "shredded").read_text().splitlines()
        assert (sorted(listed), 0o600) == (lines, (tmp_path / "shredded").stat().st_mode & 0o777)


@pytest.mark.parametrize(
    "spoil",
    [
        "UPDATE opening_key SET wrapped = set_byte(wrapped, 5, get_byte(wrapped, 5) # 1)",
        "UPDATE opening_key k SET wrapped = o.wrapped FROM opening_key o"
        " WHERE starts_with(k.key_id, 'p:') AND starts_with(o.key_id, 'p:')"
        " AND k.key_id <> o.key_id",
        "UPDATE opening k SET subject = o.subject, audit = o.audit FROM opening o"
        " WHERE k.key_id = o.key_id AND k.leaf_hash <> o.leaf_hash",
        "UPDATE opening SET subject = audit, audit = subject",
        "UPDATE opening_key SET key_id = key_id || 'x'; UPDATE opening SET key_id = key_id || 'x'",
    ],
    ids=["key flipped", "key of another", "opening of another", "slots swapped", "key renamed"],
)
def test_an_opening_opens_in_its_own_place_alone(
    database_url: str, tmp_path: Path, spoil: str
) -> None:
    """Whoever writes to the database would show one look as another one."""
    with looked_at(database_url, tmp_path) as (log, _):
        mine, *_ = fill(log)
        for statement in spoil.split(";"):
            run_sql(log.url, statement)

        with pytest.raises(IntegrityError):
            log.proven(mine)


def test_what_is_sealed_in_its_place_and_is_not_the_leafs_is_not_opened(
    database_url: str, tmp_path: Path
) -> None:
    """Whoever holds the keys could rewrite what a look was for; the leaf commits to what it was."""
    with looked_at(database_url, tmp_path) as (log, _):
        mine, *_ = fill(log)
        with log.log_ports.begin() as work:
            stored = work.tree.find_leaf(mine)
        assert stored is not None
        key = opening_key(stored.key_id, stored.kek_id, stored.wrapped, log.ports)
        aad = opening_aad(log.origin(), mine, Slot.AUDIT, stored.key_id)
        forged = key.seal(pad_opening(bytes(32), b'{"reason":"permitted"}'), aad)
        run_sql(log.url, "UPDATE opening SET audit = %s WHERE leaf_hash = %s", forged, mine)

        with pytest.raises(IntegrityError, match="the openings of a leaf"):
            log.proven(mine)


@pytest.mark.parametrize("name", ["2026Q5", "2026", "", "2026Q3 "])
def test_what_is_no_quarter_is_refused(database_url: str, tmp_path: Path, name: str) -> None:
    """A mistyped name must not erase something else."""
    with looked_at(database_url, tmp_path) as (_, ports), pytest.raises(InvalidField):
        erase_quarter(name, ports)
