"""Cut the power anywhere: no leaf is lost or numbered twice, and no checkpoint turns false."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Event, Thread

import pytest

from exchange.domain.leaves import Leaf
from exchange.domain.notes import parse_checkpoint, parse_note
from exchange.domain.tiles import range_root, tiles_for
from exchange.errors import UnavailableError
from exchange.jobs.sequence import sequence
from exchange.services.log.ports import HeldCheckpoint, LogWork, SequencePorts
from exchange.services.log.sequence_log import sequence_log
from exchange.services.log.verify_log import verify_log
from exchange.store.embedded.server import Launch, Server, start
from tests.support import postgres
from tests.support.access_log import AccessLog, Clock, access_log, run_sql
from tests.support.log.cutting import Fuse, Fused, PowerCut, die, killed

PAUSES = 8


def fused(ports: SequencePorts, fuse: Fuse) -> SequencePorts:
    """The real ports, with every statement, commit and file write behind a fuse."""

    @contextmanager
    def begin() -> Iterator[LogWork]:
        with ports.begin() as work:
            yield Fused(work, fuse)  # type: ignore[misc]  # it passes every name on

    @contextmanager
    def outside(origin: str) -> Iterator[HeldCheckpoint]:
        with ports.outside(origin) as held:
            yield Fused(held, fuse)  # type: ignore[misc]  # it passes every name on

    return replace(ports, begin=begin, outside=outside)


STEPS = [
    "lock_state",
    "tiles",
    "writers",
    "take",
    "writers",
    "put_tiles",
    "tiles",
    "put_checkpoint",
    "advance",
    "commit",
    "replace",
]


def test_power_cut_before_or_after_any_step_of_a_turn_leaves_a_whole_log(
    database_url: str, tmp_path: Path
) -> None:
    """A step forgotten here is the one at which a log forks."""
    with access_log(database_url, tmp_path) as log:
        log.turn()
        for at, name in enumerate(STEPS):
            for after in (False, True):
                log.write(2)
                fuse = Fuse(blows_at=at, after=after)
                with pytest.raises(PowerCut):
                    sequence_log(log.open(), fused(log.sequencer, fuse))
                assert name == fuse.steps[-1]
                seen = log.outside().read_bytes()

                log.turn()

                assert len(log.written) + 1 == verify_log(log.open(), log.sequencer)
                assert_part_of_the_log(log, seen)
        whole = Fuse()
        log.write(2)
        sequence_log(log.open(), fused(log.sequencer, whole))
        assert STEPS == whole.steps
        assert_all_proven(log, log.written)


def test_kill_9_before_or_after_any_step_of_a_turn_leaves_a_whole_log(
    database_url: str, tmp_path: Path
) -> None:
    """P11: whoever is killed undoes nothing, closes nothing, and lets go of its locks late."""
    clock, leaves = Clock(int(time.time())), 1
    with access_log(database_url, tmp_path, clock=clock) as log:
        log.turn()

    def turn(fuse: Fuse) -> None:
        with access_log(database_url, tmp_path, clock=clock) as log:
            sequence_log(log.open(), fused(log.sequencer, fuse))

    for at in range(len(STEPS)):
        for after in (False, True):
            with access_log(database_url, tmp_path, clock=clock) as log:
                log.write(2)
                leaves += 2

            assert killed(partial(turn, Fuse(at, after, die))), (STEPS[at], after)

            with access_log(database_url, tmp_path, clock=clock) as log:
                seen = log.outside().read_bytes()
                log.turn_when_free()
                assert leaves == verify_log(log.open(), log.sequencer)
                assert_part_of_the_log(log, seen)


def test_power_cut_at_the_start_of_a_log_leaves_a_log(database_url: str, tmp_path: Path) -> None:
    """The first turn is the one with no file outside to go by."""
    with access_log(database_url, tmp_path) as log:
        log.open()
        for at in range(10):
            for after in (False, True):
                with suppress(PowerCut):
                    sequence_log(log.open(), fused(log.sequencer, Fuse(at, after)))

        log.turn()

        assert 1 == verify_log(log.open(), log.sequencer)


def assert_part_of_the_log(log: AccessLog, note: bytes) -> None:
    """A checkpoint that anyone may hold is of a prefix of the log as it is now."""
    head = parse_checkpoint(parse_note(note).text).head
    with log.log_ports.begin() as work:
        tiles = work.tree.tiles(log.open().log_id, tiles_for([(0, head.size)]))
    assert head.root == range_root((0, head.size), tiles)


def assert_all_proven(log: AccessLog, leaves: list[Leaf]) -> None:
    """Every leaf has an index of its own, and (a look at a hundred) a proof that verifies."""
    rows = run_sql(log.url, "SELECT leaf_hash FROM leaf JOIN leaf_place USING (ord)")
    assert {leaf.leaf_hash for leaf in leaves} <= {row[0] for row in rows}
    for leaf in leaves[:: len(leaves) // 100 + 1]:
        assert leaf.leaf_hash == log.proven(leaf.leaf_hash).leaf


KILLS = 6


def test_a_sequencer_killed_at_random_leaves_a_whole_log(database_url: str, tmp_path: Path) -> None:
    """Between two steps of ours lie those of the driver, the kernel and the disk."""
    seed = time.time_ns() % (1 << 32)
    chance = random.Random(seed)  # noqa: S311 - it picks moments, and keeps no secret
    with access_log(database_url, tmp_path, clock=Clock(int(time.time()))) as log:
        log.turn()
        stop = Event()
        writer = Thread(target=write_until, args=(log, stop))
        writer.start()
        try:
            seen = [killed_after(chance.uniform(0, 0.2), log, tmp_path) for _ in range(KILLS)]
        finally:
            stop.set()
            writer.join()

        while log.turn().full:
            pass

        assert len(log.written) + 1 == verify_log(log.open(), log.sequencer), f"seed {seed}"
        for note in seen:
            assert_part_of_the_log(log, note)
        assert_all_proven(log, log.written)


def write_until(log: AccessLog, stop: Event) -> None:
    while not stop.is_set():
        log.write(3)
        time.sleep(0.002)


def killed_after(seconds: float, log: AccessLog, directory: Path) -> bytes:
    """Let a sequencer work for this long, kill it, and return the checkpoint it left outside."""
    command = [sys.executable, "-m", "tests.support.sequencer_process", log.url, str(directory)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ) as process:
        assert process.stdout is not None
        assert process.stdout.readline()  # its first turn is done
        time.sleep(seconds)
        process.kill()
    return log.outside().read_bytes()


def test_p11_a_sequencer_paused_past_its_turn_signs_no_second_tree(
    database_url: str, tmp_path: Path
) -> None:
    """It wakes with an old size in mind, and would sign what the other signed otherwise."""
    hosts = [tmp_path / "one", tmp_path / "two"]
    for host in hosts:
        host.mkdir()
    clock = Clock(int(time.time()))
    with access_log(database_url, hosts[0], clock=clock) as log:
        log.turn()
        for name in ("keyring.json", log.outside().name):
            (hosts[1] / name).write_bytes((hosts[0] / name).read_bytes())
            (hosts[1] / name).chmod(0o600)
        command = [sys.executable, "-m", "tests.support.sequencer_process", log.url, str(hosts[1])]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as paused:
            assert paused.stdout is not None
            assert paused.stdout.readline()
            for pause in range(PAUSES):
                log.write(20)
                time.sleep(0.003 * pause)
                paused.send_signal(signal.SIGSTOP)
                with suppress(UnavailableError):  # It may hold the log's row: nobody signs then.
                    log.turn()
                paused.send_signal(signal.SIGCONT)
                assert paused.stdout.readline()
            paused.send_signal(signal.SIGTERM)
            paused.communicate(timeout=30)

        log.turn()
        assert 0 == paused.returncode
        assert 1 + 20 * PAUSES == verify_log(log.open(), log.sequencer)
        assert_part_of_the_log(log, (hosts[1] / log.outside().name).read_bytes())


def test_a_sequencer_told_to_stop_finishes_its_turn(database_url: str, tmp_path: Path) -> None:
    """An upgrade would leave the work of a crash to the next start."""
    with access_log(database_url, tmp_path, clock=Clock(int(time.time()))) as log:
        log.open()
        log.write(20)
        command = [sys.executable, "-m", "tests.support.sequencer_process", log.url, str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline()
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=30)

        assert 0 == process.returncode
        (size,) = run_sql(log.url, "SELECT size FROM log_state")[0]
        assert log.outside().read_bytes().split(b"\n")[1] == str(size).encode()


def test_a_database_killed_at_random_keeps_every_leaf_it_acknowledged(
    durable_server: Server, durable_launch: Launch, tmp_path: Path
) -> None:
    """No commit, no answer; but after the commit the leaf must be there for ever."""
    running, seen = durable_server, list[bytes]()
    with access_log(running.url, tmp_path, clock=Clock(int(time.time()))) as log:
        log.turn()
        stop = Event()
        threads = [
            Thread(target=write_through, args=(log, stop)),
            Thread(
                target=sequence,
                args=(log.log_ports, log.sequencer),
                kwargs={"interval_seconds": 0.0, "stop": stop, "report": lambda turn: None},
            ),
        ]
        for thread in threads:
            thread.start()
        try:
            for _ in range(3):
                time.sleep(0.4)
                postgres.kill(running)
                seen.append(log.outside().read_bytes())
                running = start(durable_launch)
        finally:
            time.sleep(0.4)
            stop.set()
            for thread in threads:
                thread.join()

        while log.turn().full:
            pass

        assert len(log.written) + 1 <= verify_log(log.open(), log.sequencer)
        for note in seen:
            assert_part_of_the_log(log, note)
        assert_all_proven(log, log.written)


def write_through(log: AccessLog, stop: Event) -> None:
    """Write while the database comes and goes; what was not acknowledged is not counted."""
    while not stop.is_set():
        with suppress(UnavailableError):
            log.write(3)
        time.sleep(0.005)
