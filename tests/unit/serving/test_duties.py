"""What a process does again and again: a fault in one duty stops no other."""

from __future__ import annotations

import json
from collections.abc import Callable
from threading import Event

import pytest

from exchange.errors import IntegrityError, UnavailableError
from exchange.jobs.duties import Duty, carry_out
from tests.support.log.lines import logged

TURNS = 3


def failing(error: Exception, tried: list[float]) -> Callable[[], bool]:
    """Return a turn that fails each time."""

    def turn() -> bool:
        tried.append(1)
        raise error

    return turn


def run(failing: Duty) -> int:
    """Carry out a duty that fails beside one that has three turns to take; return those taken."""
    stop, taken = Event(), 0

    def work() -> bool:
        nonlocal taken
        taken += 1
        if taken == TURNS:
            stop.set()
        return True

    carry_out([failing, Duty(name="file", turn=work)], stop, pause_seconds=0.0)
    return taken


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (KeyError("member-a"), "exchange.internal"),
        (IntegrityError("it does not open"), IntegrityError.code),
    ],
)
def test_a_fault_in_one_duty_stops_no_other_and_is_told(error: Exception, code: str) -> None:
    """One flag that its log refused ended every worker, and no file of anybody was stored."""
    tried: list[float] = []

    with logged() as stream:
        taken = run(Duty(name="flag", rest_seconds=0.0, turn=failing(error, tried)))

    assert TURNS == taken == len(tried), "the files go on, and it is tried again"
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(True, code)] * TURNS == [(line["alarm"], line["code"]) for line in lines]
    assert ("flag", type(error).__name__) == (lines[0]["trace"][0], lines[0]["trace"][-1])
    assert "member-a" not in stream.getvalue(), "a message may hold values"


def test_a_duty_that_failed_rests(capsys: pytest.CaptureFixture[str]) -> None:
    """What fails at once, again and again, must not take the time of the others."""
    tried: list[float] = []

    taken = run(Duty(name="flag", turn=failing(UnavailableError("away"), tried)))

    assert (TURNS, 1) == (taken, len(tried))
    assert "flag waits: exchange.unavailable: away\n" == capsys.readouterr().err


def test_a_duty_is_taken_again_at_once_only_where_there_is_more() -> None:
    """A backlog is worked off; what is done pauses."""
    left = [True, True, False]
    duty = Duty(name="watch", every_seconds=60.0, turn=lambda: left.pop(0))

    assert [True, True, False, False] == [duty.take() for _ in range(4)]
    assert [] == left
