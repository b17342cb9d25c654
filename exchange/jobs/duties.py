"""What a process does again and again, one duty after the other: a fault in one stops no other.

In:  duties, each with its pause and a turn of it.
Out: nothing; they are carried out until the process is told to stop.
A database that is away is waited for. Of any other fault a person is told, and the duty is tried
again later: a process that ended would be started again, fail again, and leave all duties undone.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Event

from exchange import telemetry
from exchange.errors import ExchangeError, InternalError, UnavailableError

REST_SECONDS = 60.0


@dataclass(slots=True, kw_only=True)
class Duty:
    """One of the things that a process does."""

    name: str
    turn: Callable[[], bool]  # says whether there may be more to do at once
    every_seconds: float = 0.0
    rest_seconds: float = REST_SECONDS  # after a fault, where the pause is shorter
    due_at: float = 0.0  # by the monotonic clock

    def take(self) -> bool:
        """Take a turn if it is time; False if nothing was done, or nothing can be done now."""
        if time.monotonic() < self.due_at:
            return False
        more, pause = False, self.every_seconds
        try:
            more = self.turn()
        except UnavailableError as error:
            print(f"{self.name} waits: {error.code}: {error}", file=sys.stderr, flush=True)
            pause = max(pause, self.rest_seconds)
        except Exception as error:  # The last resort, as at the edge: it must stop nobody else.
            known = error if isinstance(error, ExchangeError) else InternalError()
            trace = (self.name, *telemetry.trace_of(error))
            telemetry.alarm("a duty fails and is tried again", code=known.code, trace=trace)
            pause = max(pause, self.rest_seconds)
        self.due_at = time.monotonic() + (0.0 if more else pause)
        return more


def carry_out(duties: Sequence[Duty], stop: Event, pause_seconds: float) -> None:
    """Take turns until `stop` is set; the turn under way is finished first.

    Args:
        pause_seconds: when nothing was done.
    """
    while not stop.is_set():
        busy = False
        for duty in duties:
            busy = duty.take() or busy
        if not busy:
            stop.wait(pause_seconds)
