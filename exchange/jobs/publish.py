"""The publisher's loop: bring each log's newest checkpoint to its witnesses, every few seconds.

Outside the sequencer's path: a witness that is slow or away holds up no index. A checkpoint that is
new goes out at once, so that receipts become final; the same one again after a while, for only a
cosignature carries time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event
from typing import NamedTuple

from exchange.errors import LogRolledBack, UnavailableError
from exchange.services.log.ports import LogRef
from exchange.services.witnesses.submit_checkpoint import Round, SubmitPorts, submit_checkpoint


class Rhythm(NamedTuple):
    """When a checkpoint goes out."""

    new_seconds: float  # how often a new one is looked for
    same_seconds: float  # after which the same one goes out again


class Sent(NamedTuple):
    """What went out last of a log."""

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
        report: told of each round, for logs and metrics.
        halt: told the origin of the log that a witness contradicts, before the error is raised:
            whatever signs that log must stop as well.

    Raises:
        LogRolledBack: a witness has cosigned what a log does not contain.
    """
    sent: dict[LogRef, Sent] = {}
    while not stop.is_set():
        began = time.monotonic()
        try:
            for log in _due(ports, sent, began - rhythm.same_seconds):
                if done := _round(log, ports, halt):
                    sent[log] = Sent(done.size, began)
                    report(done)
        except UnavailableError as error:
            report(error)
        stop.wait(max(0.0, began + rhythm.new_seconds - time.monotonic()))


def _due(ports: SubmitPorts, sent: dict[LogRef, Sent], before: float) -> list[LogRef]:
    """List the logs whose newest checkpoint did not go out, or not since then."""
    due = []
    with ports.log_ports.begin() as work:
        for log in work.tree.open_logs():
            newest, last = work.publication.newest(log.log_id), sent.get(log)
            if newest and (last is None or last.size != newest.size or last.at <= before):
                due.append(log)
    return due


def _round(
    log: LogRef, ports: SubmitPorts, halt: Callable[[str, LogRolledBack], None]
) -> Round | None:
    try:
        return submit_checkpoint(log, ports)
    except LogRolledBack as error:
        halt(log.origin, error)
        raise
