"""What the sequencer refuses: a log that is damaged, or not the one that was signed before."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from exchange.domain.merkle import EMPTY_ROOT, TreeHead
from exchange.errors import LogDamaged, LogRolledBack, TileDamaged
from exchange.services.log.guard_log import signed_note
from exchange.services.log.verify_log import verify_log
from exchange.store.embedded.server import Server
from tests.support.access_log import PLACE, WAITS, AccessLog, access_log, copy_database, run_sql


@pytest.fixture
def log(database_url: str, tmp_path: Path) -> Iterator[AccessLog]:
    """A log of 301 leaves, with one more that waits."""
    with access_log(database_url, tmp_path) as made:
        made.turn()
        made.write(300)
        made.turn()
        made.write(1)
        yield made


def kept(log: AccessLog) -> tuple[object, ...]:
    """All that a signature would leave behind."""
    state = run_sql(log.url, "SELECT size, root, note FROM log_state")
    checkpoints = run_sql(log.url, "SELECT size, note FROM checkpoint ORDER BY size")
    waiting = run_sql(log.url, f"SELECT count(*) FROM leaf WHERE {WAITS}")
    return (state, checkpoints, waiting, log.outside().read_bytes())


FLIPS = {
    "entry": f"UPDATE leaf SET entry = set_byte(entry, 40, 0) WHERE {WAITS}",
    "leaf hash": "UPDATE leaf SET leaf_hash = set_byte(leaf_hash, 0, get_byte(leaf_hash, 0) # 1) "
    f"WHERE {WAITS}",
    "short entry": f"UPDATE leaf SET entry = substr(entry, 2) WHERE {WAITS}",
    "tile": "UPDATE tile SET hashes = set_byte(hashes, 5, get_byte(hashes, 5) # 1) "
    "WHERE level = 0 AND n = 1",
    "upper tile": "UPDATE tile SET hashes = set_byte(hashes, 5, get_byte(hashes, 5) # 1) "
    "WHERE level = 1",
    "short tile": "UPDATE tile SET hashes = substr(hashes, 33) WHERE level = 0 AND n = 1",
    "wide tile": "UPDATE tile SET hashes = hashes || substr(hashes, 1, 32) "
    "WHERE level = 0 AND n = 1",
    "no tile": "DELETE FROM tile WHERE level = 0 AND n = 1",
    "edge": "UPDATE log_state SET edge[1] = set_byte(edge[1], 0, get_byte(edge[1], 0) # 1)",
    "short edge": "UPDATE log_state SET edge = edge[1:2]",
    "root": "UPDATE log_state SET root = set_byte(root, 0, get_byte(root, 0) # 1)",
    "size": "UPDATE log_state SET size = 300",
    "note": "UPDATE log_state SET note = replace(note, '301', '302')",
    "older note": "UPDATE log_state SET note = (SELECT note FROM checkpoint WHERE size = 1)",
    "no note": "UPDATE log_state SET note = ''",
    "tile changed as it is written": """
        CREATE FUNCTION flip() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE last int := length(NEW.hashes) - 1;
        BEGIN
            NEW.hashes := set_byte(NEW.hashes, last, get_byte(NEW.hashes, last) # 1);
            RETURN NEW;
        END $$;
        CREATE TRIGGER flip BEFORE INSERT ON tile FOR EACH ROW EXECUTE FUNCTION flip()""",
    "index taken": "UPDATE leaf_place SET leaf_index = 301 WHERE leaf_index = 7",
    "checkpoint taken": "INSERT INTO checkpoint VALUES (1, 302, '', '', 0)",
    "no state": "DELETE FROM log_state",
}


@pytest.mark.parametrize("name", FLIPS)
def test_a_damaged_log_is_never_signed(log: AccessLog, name: str) -> None:
    """One flipped bit under a signature, and every verifier sees a fork that nobody made."""
    run_sql(log.url, FLIPS[name])
    before = kept(log)

    with pytest.raises((LogDamaged, LogRolledBack)) as refused:
        log.turn()

    assert before == kept(log)
    # Counted apart: a tile is restored from a mirror, anything else from a newer database.
    assert ("tile" in name) == isinstance(refused.value, TileDamaged)


OLD_FLIPS = {
    "old entry": f"UPDATE leaf SET entry = set_byte(entry, 40, 0) WHERE {PLACE.format(3)}",
    "old leaf hash": "UPDATE leaf SET leaf_hash = set_byte(leaf_hash, 0, 0) "
    f"WHERE {PLACE.format(3)}",
    "lost leaf": f"DELETE FROM leaf WHERE {PLACE.format(3)}",
    "last leaf": f"DELETE FROM leaf WHERE {PLACE.format(300)}",
    "swapped leaves": "UPDATE leaf_place SET leaf_index = 1000 WHERE leaf_index = 3",
    "old tile": "UPDATE tile SET hashes = set_byte(hashes, 5, get_byte(hashes, 5) # 1) "
    "WHERE level = 0 AND n = 0",
}


@pytest.mark.parametrize("flip", OLD_FLIPS.values(), ids=OLD_FLIPS)
def test_damage_far_back_is_found_by_the_whole_verification(log: AccessLog, flip: str) -> None:
    """Turns look at the newest tiles alone; what was lost long ago would show at a hearing."""
    run_sql(log.url, flip)

    with pytest.raises(LogDamaged):
        verify_log(log.open(), log.sequencer)


def test_a_whole_log_passes_its_verification(log: AccessLog) -> None:
    """A verification that fails on whole logs is switched off."""
    assert 301 == verify_log(log.open(), log.sequencer)


def test_a_restored_dump_is_not_continued(
    database_url: str, tmp_path: Path, postgres_server: Server
) -> None:
    """Two trees under one name: members would hold proofs that contradict each other."""
    with access_log(database_url, tmp_path) as log:
        log.turn()
    restored_url = copy_database(postgres_server, database_url)
    with access_log(database_url, tmp_path) as log:
        log.write(2)
        log.turn()

    with access_log(restored_url, tmp_path) as restored:
        restored.write(5)
        before = kept(restored)
        with pytest.raises(LogRolledBack):
            restored.turn()

        assert before == kept(restored)


def test_a_restored_dump_that_grew_past_the_signed_size_is_not_continued(
    database_url: str, tmp_path: Path, postgres_server: Server
) -> None:
    """Size alone does not tell a fork: the roots must be one tree's."""
    with access_log(database_url, tmp_path) as log:
        log.turn()
    restored_url = copy_database(postgres_server, database_url)
    with access_log(database_url, tmp_path) as log:
        log.write(2)
        log.turn()
        signed = log.outside().read_bytes()
        origin = log.origin()
    with access_log(restored_url, tmp_path) as restored:
        restored.files.path_of(origin).unlink()
        restored.files.path_of(origin).write_bytes(first_note(restored))
        restored.write(9)
        restored.turn()
        restored.files.path_of(origin).write_bytes(signed)
        restored.write(1)

        with pytest.raises(LogRolledBack, match="not part of this database"):
            restored.turn()


def first_note(log: AccessLog) -> bytes:
    (note,) = run_sql(log.url, "SELECT note FROM checkpoint WHERE size = 1")[0]
    assert isinstance(note, str)
    return note.encode()


def replaced(change: Callable[[bytes], bytes]) -> Callable[[AccessLog], None]:
    def write(log: AccessLog) -> None:
        log.outside().write_bytes(change(log.outside().read_bytes()))

    return write


def larger(log: AccessLog) -> None:
    head = TreeHead(size=999, root=bytes(32))
    log.outside().write_bytes(signed_note(log.origin(), head, log.ports.keyring))


def other_root(log: AccessLog) -> None:
    head = TreeHead(size=301, root=bytes(32))
    log.outside().write_bytes(signed_note(log.origin(), head, log.ports.keyring))


def smaller_of_another_tree(log: AccessLog) -> None:
    head = TreeHead(size=300, root=bytes(32))
    log.outside().write_bytes(signed_note(log.origin(), head, log.ports.keyring))


def absent(log: AccessLog) -> None:
    log.outside().unlink()


OUTSIDE = {
    "larger": larger,
    "other root": other_root,
    "smaller of another tree": smaller_of_another_tree,
    "absent": absent,
    "empty": replaced(lambda note: b""),
    "torn": replaced(lambda note: note[:-9]),
    "of another key": replaced(lambda note: note.replace(b"301", b"300")),
    "of another log": replaced(lambda note: note.replace(b"2026", b"2025")),
}


@pytest.mark.parametrize("change", OUTSIDE.values(), ids=OUTSIDE)
def test_a_log_that_the_outside_checkpoint_contradicts_is_not_continued(
    log: AccessLog, change: Callable[[AccessLog], None]
) -> None:
    """The file is all that remembers what was signed when the database does not."""
    change(log)
    state = run_sql(log.url, "SELECT size, root, note FROM log_state")

    with pytest.raises(LogRolledBack):
        log.turn()

    assert state == run_sql(log.url, "SELECT size, root, note FROM log_state")


@pytest.mark.parametrize("size", [0, 1])
def test_an_outside_checkpoint_that_lags_is_brought_up(log: AccessLog, size: int) -> None:
    """A crash between commit and file must not stop the log for good."""
    empty = signed_note(log.origin(), TreeHead(size=0, root=EMPTY_ROOT), log.ports.keyring)
    log.outside().write_bytes(first_note(log) if size else empty)

    turn = log.turn()

    assert 302 == turn.size
    assert log.outside().read_bytes().split(b"\n")[1] == b"302"


def test_a_database_without_leaves_does_not_replace_a_log_that_was_signed(
    log: AccessLog,
) -> None:
    """A new, empty database under the old name would start the log over."""
    run_sql(log.url, "TRUNCATE log_state, checkpoint, tile, leaf CASCADE")

    with pytest.raises(LogRolledBack):
        log.turn()


def test_another_key_does_not_continue_the_log(log: AccessLog) -> None:
    """With a new key comes a new origin; else no pinned key verifies the next checkpoint."""
    (log.outside().parent / "keyring.json").unlink()

    with (
        access_log(log.url, log.outside().parent) as other,
        pytest.raises(LogDamaged, match="not ours"),
    ):
        other.turn()


def test_the_outside_checkpoint_is_for_its_owner_alone(log: AccessLog) -> None:
    """Whoever can write it can take back what it remembers."""
    modes = {stat.S_IMODE(path.stat().st_mode) for path in log.outside().parent.glob("checkpoint*")}

    assert {0o600} == modes


def test_an_outside_checkpoint_changed_by_another_hand_is_not_overwritten(
    log: AccessLog,
) -> None:
    """Compare-and-swap: what somebody put there meanwhile is evidence."""
    with log.sequencer.outside(log.origin()) as held:
        log.outside().write_bytes(b"somebody else's")
        with pytest.raises(LogRolledBack):
            held.replace(b"ours")

    assert b"somebody else's" == log.outside().read_bytes()
