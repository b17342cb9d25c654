"""The sequencer on a real database: one index a leaf, one root a size, a proof for everyone."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

import pytest

from exchange.domain import merkle
from exchange.errors import UnavailableError
from exchange.jobs.sequence import Late, sequence
from exchange.services.log.sequence_log import Turn
from exchange.services.log.verify_log import verify_log
from exchange.services.log.write_leaves import write_leaves
from exchange_client.notes import open_checkpoint, parse_vkey
from tests.support.access_log import (
    PLACE,
    START,
    AccessLog,
    Clock,
    access_log,
    query_draft,
    run_sql,
)


@pytest.fixture
def log(database_url: str, tmp_path: Path) -> Iterator[AccessLog]:
    with access_log(database_url, tmp_path) as made:
        yield made


def test_the_first_leaf_of_a_log_names_the_log_before_it(log: AccessLog) -> None:
    """A whole year could be dropped without trace."""
    log.turn()

    (leaf_hash,) = run_sql(log.url, f"SELECT leaf_hash FROM leaf WHERE {PLACE.format(0)}")[0]
    assert isinstance(leaf_hash, bytes)
    stored = log.opened(leaf_hash)
    assert {"kind": "log_open", "t": START} == stored["subject"]
    assert {
        "previous": {
            "origin": "exchange.example/access/2025",
            "root": "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
            "size": 0,
        }
    } == stored["audit"]


def test_opening_a_log_twice_leaves_one_first_leaf(log: AccessLog) -> None:
    """Every start of the sequencer would leave another one."""
    assert log.open() == log.open()

    assert [(1,)] == run_sql(log.url, "SELECT count(*) FROM leaf")


def test_next_years_log_names_the_last_checkpoint_of_this_year(log: AccessLog) -> None:
    """The chain of logs would break at New Year."""
    log.turn()
    log.write(2)
    log.turn()
    log.clock.now = int(datetime(2027, 1, 1, tzinfo=UTC).timestamp())

    log.turn()

    (root,) = run_sql(log.url, "SELECT root FROM log_state ORDER BY log_id")[0]
    assert isinstance(root, bytes)
    found = run_sql(log.url, "SELECT leaf_hash FROM leaf ORDER BY ord DESC LIMIT 1")[0][0]
    assert isinstance(found, bytes)
    assert {
        "previous": {
            "origin": "exchange.example/access/2026",
            "root": base64.b64encode(root).decode(),
            "size": 4,
        }
    } == log.opened(found)["audit"]
    closing = run_sql(log.url, f"SELECT leaf_hash FROM leaf WHERE {PLACE.format(3)}")[0][0]
    assert isinstance(closing, bytes)
    kinds = run_sql(log.url, "SELECT kind FROM log_search WHERE leaf_hash = %s", closing)
    assert [("log_close",)] == kinds
    assert log.origin().endswith("/2027")


def test_a_writer_whose_clock_lags_cannot_write_into_a_closed_log(log: AccessLog) -> None:
    """A leaf behind the last one of a year would never be numbered, nor looked for."""
    log.turn()
    last_second = log.clock.now = int(datetime(2027, 1, 1, tzinfo=UTC).timestamp()) - 1
    log.clock.now += 1
    log.turn()
    log.clock.now = last_second

    with pytest.raises(UnavailableError):
        log.write(1)


def test_the_year_changes_only_when_nobody_is_writing(log: AccessLog) -> None:
    """A leaf under way would fall between the years."""
    log.turn()
    with log.ports.begin() as slow:
        write_leaves(slow, [query_draft("member-a")], log.ports, log.clock.now)
        log.clock.now = int(datetime(2027, 1, 1, tzinfo=UTC).timestamp())
        with pytest.raises(UnavailableError):
            log.turn()
        slow.commit()

    log.turn()

    rows = run_sql(
        log.url,
        "SELECT s.kind FROM log_search s JOIN leaf USING (leaf_hash) JOIN leaf_place p USING (ord) "
        "ORDER BY p.log_id, p.leaf_index",
    )
    assert ["log_open", "query", "log_close", "log_open"] == [row[0] for row in rows]


def test_leaves_get_their_indices_in_the_order_they_were_written(
    database_url: str, tmp_path: Path
) -> None:
    """Of a withdrawal and a query the log must show which came first."""
    with access_log(database_url, tmp_path, rows_max=7) as log:
        log.open()
        leaves = log.write(3) + log.write(9) + log.write(8)

        turns = [log.turn() for _ in range(4)]

        assert [(7, True), (7, True), (7, True), (0, False)] == [
            (turn.leaves, turn.full) for turn in turns
        ]
        rows = run_sql(
            log.url, "SELECT leaf_hash FROM leaf JOIN leaf_place USING (ord) ORDER BY leaf_index"
        )
        assert [leaf.leaf_hash for leaf in leaves] == [row[0] for row in rows[1:]]
        assert 21 == verify_log(log.open(), log.sequencer)


def test_a_transaction_that_commits_late_loses_no_leaf(log: AccessLog) -> None:
    """A sequencer that polls `id > last` passes over it for ever, and the look is never seen."""
    log.open()
    with log.ports.begin() as slow:
        early = write_leaves(slow, [query_draft("member-a")], log.ports, log.clock.now)
        (late,) = log.write(1)
        log.turn()
        slow.commit()

    log.turn()

    assert [1, 2] == [log.proven(leaf.leaf_hash).index for leaf in (late, *early)]


def test_the_tree_is_the_one_that_the_rfc_defines(log: AccessLog) -> None:
    """Tools that are not ours would compute another root."""
    log.turn()
    for count in (1, 255, 1, 300):
        log.write(count)
        log.turn()

    rows = run_sql(
        log.url, "SELECT entry FROM leaf JOIN leaf_place USING (ord) ORDER BY leaf_index"
    )
    hashes = [merkle.leaf_hash(row[0]) for row in rows if isinstance(row[0], bytes)]
    notes = run_sql(log.url, "SELECT size, note FROM checkpoint ORDER BY size")
    assert [1, 2, 257, 258, 558] == [size for size, _ in notes]
    for size, note in notes:
        assert isinstance(size, int)
        assert isinstance(note, str)
        checkpoint = open_checkpoint(note.encode(), parse_vkey(log.vkey()))
        assert (size, merkle.root(hashes[:size])) == (checkpoint.head.size, checkpoint.head.root)


def test_a_turn_without_leaves_signs_nothing_and_moves_the_time_on(log: AccessLog) -> None:
    """Queries stop when the log is late; a quiet night must not look like a dead sequencer."""
    log.turn()
    log.clock.now += 30

    turn = log.turn()

    assert (0, 1, START + 30) == (turn.leaves, turn.size, turn.covered_until)
    assert [(START + 30,)] == run_sql(log.url, "SELECT covered_until FROM log_state")
    assert [(1,)] == run_sql(log.url, "SELECT count(*) FROM checkpoint")


def test_a_full_batch_covers_no_more_than_the_oldest_leaf_left_over(
    database_url: str, tmp_path: Path
) -> None:
    """A backlog would go unnoticed, and answers would go out with no evidence behind them."""
    with access_log(database_url, tmp_path, rows_max=2) as log:
        log.open()
        log.write(1)
        log.clock.now += 100
        log.write(5)
        log.clock.now += 100

        turns = [log.turn() for _ in range(4)]

        assert [START + 100, START + 100, START + 100, START + 200] == [
            turn.covered_until for turn in turns
        ]


def test_the_loop_sequences_until_it_is_told_to_stop(database_url: str, tmp_path: Path) -> None:
    """Receipts would stay without proof."""
    with access_log(database_url, tmp_path, rows_max=3, clock=Clock()) as log:
        log.open()
        leaves = log.write(10)
        stop, seen = Event(), list[Turn | Late]()

        def report(turn: Turn | Late) -> None:
            seen.append(turn)
            if isinstance(turn, Turn) and not turn.full:
                stop.set()

        sequence(log.log_ports, log.sequencer, interval_seconds=60, stop=stop, report=report)

        assert [3, 3, 3, 2] == [turn.leaves for turn in seen if isinstance(turn, Turn)]
        assert 10 == log.proven(leaves[-1].leaf_hash).index


def test_the_loop_outlives_a_database_that_is_away(database_url: str, tmp_path: Path) -> None:
    """A restart of the database would end the log for the day."""
    with access_log(database_url, tmp_path) as log:
        log.turn()
        (leaf,) = log.write(1)
        stop, seen = Event(), list[Turn | Late]()
        run_sql(
            log.url,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )

        def report(turn: Turn | Late) -> None:
            seen.append(turn)
            if isinstance(turn, Turn):
                stop.set()

        sequence(log.log_ports, log.sequencer, interval_seconds=0.01, stop=stop, report=report)

        assert [Late, Turn] == [type(turn) for turn in seen]
        with access_log(database_url, tmp_path) as again:
            assert 1 == again.proven(leaf.leaf_hash).index
