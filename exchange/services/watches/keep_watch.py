"""Keep watch: one turn of the worker.

    1 mark, in one transaction: watches of tokens that files touched, and of subjects that the log
      tells of, are due; ended ones that were shown long enough are forgotten
    2 look again for those that are due (look_again.py), each in a transaction of its own

What happened is noted in the transaction that did it (a touch, a leaf) and is taken in the one that
lets the watch be due: killed anywhere, a turn loses nothing. Two processes share the work.
"""

from __future__ import annotations

from dataclasses import dataclass

from exchange import telemetry
from exchange.errors import IntegrityError
from exchange.services.watches.look_again import look_again, put_off
from exchange.services.watches.manage_watches import WatchPorts

TOUCHES_MAX = 5_000  # marked a turn
LEAVES_MAX = 5_000  # read of each log a turn
LOOKS_MAX = 100  # a turn, so that a file waits for few


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What one turn did."""

    marked: int  # touches and leaves that were read
    looked: int
    told: int

    @property
    def full(self) -> bool:
        """Whether there may be more to do at once."""
        return self.looked == LOOKS_MAX or self.marked >= min(TOUCHES_MAX, LEAVES_MAX)


def keep_watch(desk: WatchPorts) -> Watched:
    """Carry out one turn.

    Raises:
        UnavailableError: the database is away; what is due stays due.
    """
    ports = desk.ports
    marked = 0
    with ports.begin() as work:
        if work.watches.begin_marking():
            marked = work.watches.mark_touched(TOUCHES_MAX) + work.watches.mark_logged(LEAVES_MAX)
            work.watches.forget(ports.now() - desk.ended_keep_seconds)
            work.commit()
    with ports.begin() as work:
        due = work.watches.due(ports.now(), LOOKS_MAX)
    told = 0
    for key in due:
        try:
            told += look_again(key, ports)
        except IntegrityError as error:
            telemetry.alarm("a watch does not open", code=error.code)
            put_off(key, ports)  # So that it holds up no other.
    return Watched(marked=marked, looked=len(due), told=told)
