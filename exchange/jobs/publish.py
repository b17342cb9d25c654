"""The publisher's loop: bring each log's newest checkpoint to its witnesses, every few seconds.

Outside the sequencer's path: a witness that is slow or away holds up no index. A checkpoint that is
new goes out at once, so that receipts become final; the same one again after a while, for only a
cosignature carries time. Each witness is waited for by itself: one that hangs misses the
checkpoints of that time, and no other witness does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from threading import Event
from typing import NamedTuple

from exchange.domain.log.policies import Witness
from exchange.errors import LogRolledBack, UnavailableError
from exchange.services.log.ports import LogRef
from exchange.services.witnesses.submit_checkpoint import (
    Asked,
    Round,
    Sent,
    SubmitPorts,
    keep_answer,
    reachable,
    send_checkpoint,
)


class Rhythm(NamedTuple):
    """When a checkpoint goes out."""

    new_seconds: float  # how often a new one is looked for
    same_seconds: float  # after which the same one goes out again


class Line(NamedTuple):
    """A log's line to one of its witnesses."""

    log: LogRef
    witness: str  # name of its key; "" where there is none to ask, and a checkpoint is only shown


class Gone(NamedTuple):
    """What went out last on a line."""

    size: int
    at: float  # of the monotonic clock


def publish(
    ports: SubmitPorts,
    *,
    rhythm: Rhythm,
    stop: Event,
    report: Callable[[Round | UnavailableError], None],
    halt: Callable[[str, LogRolledBack], None],
) -> None:
    """Publish until `stop` is set, or a witness contradicts a log.

    Args:
        ports: what the rounds may touch.
        rhythm: of the rounds.
        stop: set from outside to end the loop.
        report: told of each answer, for logs and metrics.
        halt: told the origin of the log that a witness contradicts, before the error is raised:
            whatever signs that log must stop as well.

    Raises:
        LogRolledBack: a witness has cosigned what a log does not contain.
    """
    lines = _Lines(ports, halt)
    while not stop.is_set():
        began = time.monotonic()
        until = began + rhythm.new_seconds
        try:
            lines.send(began, began - rhythm.same_seconds)
            for answered in lines.answers(until):
                report(answered)
        except UnavailableError as error:
            report(error)
        stop.wait(max(0.0, until - time.monotonic()))


class _Lines:
    """What went out on each line, and which of them wait for an answer."""

    def __init__(self, ports: SubmitPorts, halt: Callable[[str, LogRolledBack], None]) -> None:
        self._ports = ports
        self._halt = halt
        self._gone: dict[Line, Gone] = {}
        self._asking: dict[Future[Asked], tuple[Line, Sent]] = {}

    def send(self, now: float, before: float) -> None:
        """Send each line what is new to it, or went out on it before a time."""
        for log, to in self._due(before).items():
            sent = send_checkpoint(log, to, self._ports)
            if sent is None:
                continue
            lines = [Line(log, one.key.name) for one in to] or [Line(log, "")]
            self._gone.update(dict.fromkeys(lines, Gone(sent.newest.size, now)))
            for line, answer in zip(lines, sent.asking, strict=bool(to)):
                self._asking[answer] = line, sent

    def answers(self, until: float) -> Iterator[Round]:
        """Keep what witnesses answer until a time."""
        while self._asking and (left := until - time.monotonic()) > 0:
            for answer in wait(self._asking, left, FIRST_COMPLETED).done:
                yield self._kept(answer, *self._asking.pop(answer))

    def _due(self, before: float) -> dict[LogRef, list[Witness]]:
        """List the logs with a checkpoint to send, and to whom; a line that waits is left alone."""
        witnesses = reachable(self._ports)
        waiting = {line for line, _ in self._asking.values()}
        due = {}
        with self._ports.log_ports.begin() as work:
            for log in work.tree.open_logs():
                newest = work.publication.newest(log.log_id)
                lines = [Line(log, one.key.name) for one in witnesses] or [Line(log, "")]
                ready = {
                    line.witness
                    for line in lines
                    if newest and line not in waiting and self._is_due(line, newest.size, before)
                }
                if ready:
                    due[log] = [one for one in witnesses if one.key.name in ready]
        return due

    def _is_due(self, line: Line, size: int, before: float) -> bool:
        last = self._gone.get(line)
        return last is None or last.size != size or last.at <= before

    def _kept(self, answer: Future[Asked], line: Line, sent: Sent) -> Round:
        try:
            asked = answer.result()
            quorum_at = keep_answer(sent, asked, self._ports)
        except LogRolledBack as error:
            self._halt(line.log.origin, error)
            raise
        except UnavailableError:
            del self._gone[line]  # What it answered is lost: ask again.
            raise
        return Round(log=line.log, size=sent.newest.size, asked=(asked,), quorum_at=quorum_at)
