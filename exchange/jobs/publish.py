"""The publisher's loop: bring each log's newest checkpoint to its witnesses, every few seconds.

Outside the sequencer's path: a witness that is slow or away holds up no index. The same checkpoint
goes out again while nothing happens, for only a cosignature carries time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event

from exchange.errors import LogRolledBack, UnavailableError
from exchange.services.witnesses.submit_checkpoint import Round, SubmitPorts, submit_checkpoint


def publish(
    ports: SubmitPorts,
    *,
    interval_seconds: float,
    stop: Event,
    report: Callable[[Round | UnavailableError], None],
    halt: Callable[[str, LogRolledBack], None],
) -> None:
    """Publish until `stop` is set, or a witness contradicts a log.

    Args:
        ports: what the rounds may touch.
        interval_seconds: between the starts of two rounds.
        stop: set from outside to end the loop.
        report: told of each round, for logs and metrics.
        halt: told the origin of the log that a witness contradicts, before the error is raised:
            whatever signs that log must stop as well.

    Raises:
        LogRolledBack: a witness has cosigned what a log does not contain.
    """
    while not stop.is_set():
        began = time.monotonic()
        try:
            _round(ports, report, halt)
        except UnavailableError as error:
            report(error)
        stop.wait(max(0.0, began + interval_seconds - time.monotonic()))


def _round(
    ports: SubmitPorts,
    report: Callable[[Round | UnavailableError], None],
    halt: Callable[[str, LogRolledBack], None],
) -> None:
    with ports.log_ports.begin() as work:
        logs = work.tree.open_logs()
    for log in logs:
        try:
            done = submit_checkpoint(log, ports)
        except LogRolledBack as error:
            halt(log.origin, error)
            raise
        if done:
            report(done)
