"""The publisher's rhythm: what is new goes out at once, what stays goes out again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from socket import socket
from threading import Event

import pytest

from exchange.domain.log.policies import parse_policy
from exchange.domain.notes import parse_checkpoint, parse_note
from exchange.errors import UnavailableError
from exchange.jobs.publish import Rhythm, publish
from exchange.services.log.ports import LogWork
from exchange.services.witnesses.ports import Reply
from exchange.services.witnesses.submit_checkpoint import (
    NO_ANSWER,
    OK,
    SubmitPorts,
    submit_checkpoint,
)
from tests.support.access_log import AccessLog, access_log
from tests.support.log.submitting import submitting
from tests.support.log.witnesses import witness_set
from tests.support.signed_log import WITNESSES

WAIT_SECONDS_MAX = 30


class Keeping:
    """A witness that is out of order, and keeps of what size each submission was."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def add_checkpoint(self, body: bytes) -> Reply:
        """Keep the size."""
        note = body.partition(b"\n\n")[2]
        self.sizes.append(parse_checkpoint(parse_note(note).text).head.size)
        return Reply(500, b"")

    def checkpoint(self, origin: str) -> Reply:
        """Show nothing."""
        return Reply(404, b"")


@pytest.fixture
def log(database_url: str, tmp_path: Path) -> Iterator[AccessLog]:
    """A log that was sequenced once."""
    with access_log(database_url, tmp_path) as made:
        made.turn()
        yield made


class Hanging(Keeping):
    """One that says nothing until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.let_go = Event()

    def add_checkpoint(self, body: bytes) -> Reply:
        """Keep the size, and wait."""
        reply = super().add_checkpoint(body)
        assert self.let_go.wait(WAIT_SECONDS_MAX)
        return reply


@contextmanager
def publishing(log: AccessLog, rhythm: Rhythm, *others: Keeping) -> Iterator[Keeping]:
    """Let a publisher run against one witness, and others."""
    witness, stop = Keeping(), Event()
    asked = dict(zip((one.key.name for one in WITNESSES), (witness, *others), strict=False))
    lines = [
        f"witness w{n} {one.key.vkey()} http://127.0.0.1:1\n"
        for n, one in enumerate(WITNESSES[: len(asked)])
    ]
    text = f"log {log.vkey()}\n{''.join(lines)}quorum w0\n"
    log_ports = replace(log.log_ports, policy=parse_policy(text), begin=log.database.begin)
    with ThreadPoolExecutor(4) as executor:
        ports = SubmitPorts(
            log_ports=log_ports, reach=lambda one: asked[one.key.name], executor=executor
        )
        running = executor.submit(
            publish,
            ports,
            rhythm=rhythm,
            stop=stop,
            report=lambda done: None,
            halt=lambda origin, error: None,
        )
        try:
            yield witness
        finally:
            stop.set()
            running.result(WAIT_SECONDS_MAX)


def test_a_witness_that_never_answers_holds_up_no_quorum(log: AccessLog, tmp_path: Path) -> None:
    """P18: every receipt would wait for the slowest witness, or for the one that hangs."""
    with witness_set(tmp_path, 2) as witnesses, socket() as hanging:
        witnesses.know(log.vkey(), quorum="1")
        hanging.bind(("127.0.0.1", witnesses.witnesses[0].port))
        hanging.listen()  # It takes what comes, and says nothing.
        witnesses.witnesses[1].start(witnesses.policy)
        with submitting(log, witnesses.text()) as ports, ThreadPoolExecutor(1) as beside:
            ports = replace(ports, log_ports=replace(ports.log_ports, begin=log.database.begin))
            ref = log.open()
            running = beside.submit(submit_checkpoint, ref, ports)

            def shown() -> bool:
                with log.log_ports.begin() as work:
                    return work.publication.published(ref.log_id) is not None

            until(shown)
            assert not running.done()
            done = running.result(WAIT_SECONDS_MAX)

    assert done is not None
    assert done.quorum_at is not None
    assert [NO_ANSWER, OK] == [one.status for one in done.asked]


def test_a_cosignature_that_the_database_could_not_take_is_asked_for_again(
    log: AccessLog, tmp_path: Path
) -> None:
    """A restart of the database at that moment would leave receipts pending for five minutes."""
    ref, begun, stop = log.open(), count(1), Event()

    def begin() -> AbstractContextManager[LogWork]:
        if next(begun) == 3:  # What is due, what is sent, and then the answer.
            raise UnavailableError("away")
        return log.database.begin()

    def shown() -> bool:
        with log.log_ports.begin() as work:
            return work.publication.published(ref.log_id) is not None

    with witness_set(tmp_path, 1) as witnesses:
        witnesses.know(log.vkey())
        witnesses.start()
        with submitting(log, witnesses.text()) as ports, ThreadPoolExecutor(1) as beside:
            running = beside.submit(
                publish,
                replace(ports, log_ports=replace(ports.log_ports, begin=begin)),
                rhythm=Rhythm(new_seconds=1, same_seconds=3_600),
                stop=stop,
                report=lambda done: None,
                halt=lambda origin, error: None,
            )
            try:
                until(shown)
            finally:
                stop.set()
                running.result(WAIT_SECONDS_MAX)

    assert next(begun) > 3


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_each_new_checkpoint_goes_out_once_though_the_same_one_is_not_due(log: AccessLog) -> None:
    """A receipt would wait for the next round to become final, and a lender with it."""
    with publishing(log, Rhythm(new_seconds=0.01, same_seconds=3_600)) as witness:
        for size in (1, 2, 4):
            while log.turn().size < size:
                log.write(size // 2)
            until(lambda size=size: size in witness.sizes)  # type: ignore[misc]  # bound at once
            time.sleep(0.1)

    assert [1, 2, 4] == witness.sizes


def test_a_witness_that_hangs_keeps_no_new_checkpoint_from_the_others(log: AccessLog) -> None:
    """P18: for as long as one hangs, receipts would become final every five seconds only."""
    hanging = Hanging()
    with publishing(log, Rhythm(new_seconds=0.01, same_seconds=3_600), hanging) as witness:
        for size in (1, 2, 4):
            while log.turn().size < size:
                log.write(size // 2)
            until(lambda size=size: size in witness.sizes)  # type: ignore[misc]  # bound at once
        during = list(hanging.sizes)
        hanging.let_go.set()
        until(lambda: len(hanging.sizes) > 1)

    assert ([1], [1, 4]) == (during, hanging.sizes)


def test_the_same_checkpoint_goes_out_again(log: AccessLog) -> None:
    """Only a cosignature says that a log is as it was: without one, a quiet log looks stale."""
    with publishing(log, Rhythm(new_seconds=0.01, same_seconds=0.05)) as witness:
        until(lambda: len(witness.sizes) > 2)

    assert {1} == set(witness.sizes)


def test_threads_take_turns_on_the_one_connection(log: AccessLog) -> None:
    """Two witnesses that answer at once would else ask in each other's transactions."""
    inside: list[int] = []

    def ask(number: int) -> list[int]:
        with log.log_database.begin():
            inside.append(number)
            time.sleep(0.005)  # Long enough for the others to come in, if they could.
            seen = list(inside)
            inside.remove(number)
        return seen

    with ThreadPoolExecutor(4) as threads:
        company = list(threads.map(ask, range(8)))

    assert [[number] for number in range(8)] == company
