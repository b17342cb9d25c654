"""The sequencer's loop: one turn a second for every open log, until it is told to stop.

A turn that fails because the database is away, or because another sequencer is at work, is tried
again. A log that is damaged or older than what was signed ends the process: nothing more is signed
before a person has looked at it.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import Event
from types import FrameType

from exchange.errors import UnavailableError
from exchange.services.log.open_log import open_log
from exchange.services.log.ports import LogPorts, LogRef, SequencePorts
from exchange.services.log.sequence_log import Turn, drain_log, sequence_log

EXIT_REFUSED = 3  # exit code of a sequencer that refuses to go on (log.md, 7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """A round that could not be carried out now."""

    error: UnavailableError


def sequence(
    log_ports: LogPorts,
    ports: SequencePorts,
    *,
    interval_seconds: float,
    stop: Event,
    report: Callable[[Turn | Late], None],
) -> None:
    """Sequence until `stop` is set; a turn under way is finished first.

    Args:
        log_ports: to open the log of a new year.
        ports: what the turns may touch.
        interval_seconds: between two turns, unless a batch was full.
        stop: set from outside to end the loop.
        report: told of each turn, for logs and metrics.

    Raises:
        LogDamaged, LogRolledBack: the log must not be continued; end with `EXIT_REFUSED`.
    """
    vouched: set[LogRef] = set()  # by witnesses, since the database was last lost
    while not stop.is_set():
        began = time.monotonic()
        if not _round(log_ports, ports, vouched, report):
            stop.wait(max(0.0, began + interval_seconds - time.monotonic()))


def stop_on_signals(stop: Event) -> None:
    """Let SIGTERM and SIGINT end the loop after the turn under way."""

    def set_stop(number: int, frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, set_stop)
    signal.signal(signal.SIGINT, set_stop)


def _round(
    log_ports: LogPorts,
    ports: SequencePorts,
    vouched: set[LogRef],
    report: Callable[[Turn | Late], None],
) -> bool:
    """Give every open log one turn; say whether any has more leaves waiting."""
    more = False
    try:
        open_log(log_ports, lambda log: drain_log(log, ports))
        with ports.begin() as work:
            logs = work.tree.open_logs()
        for log in logs:
            if log not in vouched:
                ports.vouch(log)
                vouched.add(log)
            began = time.monotonic()
            turn = sequence_log(log, ports)
            report(replace(turn, seconds=time.monotonic() - began))
            more = more or turn.full
    except UnavailableError as error:
        vouched.clear()
        report(Late(error=error))
        return False
    return more
