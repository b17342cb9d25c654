"""A sequencer in a process of its own, for tests that kill it: URL and directory are arguments."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from threading import Event

from exchange.jobs.sequence import Late, sequence, stop_on_signals
from exchange.services.log.sequence_log import Turn
from tests.support.access_log import Clock, access_log


def main(url: str, directory: str) -> None:
    """Sequence without a pause, in small batches; say so once the first turn is done."""
    stop = Event()
    stop_on_signals(stop)

    def report(turn: Turn | Late) -> None:
        if isinstance(turn, Turn):
            sys.stdout.write(f"{turn.size}\n")
            sys.stdout.flush()

    with access_log(url, Path(directory), rows_max=7, clock=Clock(int(time.time()))) as log:
        sequence(log.log_ports, log.sequencer, interval_seconds=0.0, stop=stop, report=report)


if __name__ == "__main__":
    main(*sys.argv[1:])
