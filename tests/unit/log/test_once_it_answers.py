"""A sequencer that comes back before its database waits for it."""

from __future__ import annotations

from threading import Event

from exchange.errors import UnavailableError
from exchange.jobs.run_sequencer import once_it_answers


def test_what_must_be_done_first_is_done_once_the_database_answers() -> None:
    """Were it to end because PostgreSQL still recovers, all answers would stop with it."""
    tries: list[int] = []

    def act() -> None:
        tries.append(len(tries))
        if len(tries) < 3:
            raise UnavailableError

    once_it_answers(act, Event(), 0.0)

    assert [0, 1, 2] == tries


def test_being_told_to_stop_ends_the_waiting() -> None:
    """Ctrl-C must not wait for a database that will never come."""
    stop = Event()

    def act() -> None:
        stop.set()
        raise UnavailableError

    once_it_answers(act, stop, 60.0)

    assert stop.is_set()
