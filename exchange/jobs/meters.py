"""What the processes beside the server count: kept here, written to the database now and then.

They serve nothing themselves; the server's `/metrics` reads what they wrote. What a process that
is killed had not written is lost: these are figures, not evidence. Source: log.md, 9.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress

from exchange.errors import UnavailableError
from exchange.services.log.ports import LogWork

WRITE_EVERY_SECONDS = 5


class Meters:
    """The counts of one process."""

    def __init__(self, begin: Callable[[], AbstractContextManager[LogWork]]) -> None:
        self._begin = begin
        self._counts: defaultdict[tuple[str, str], float] = defaultdict(float)
        self._written_at = time.monotonic()

    def add(self, name: str, value: float = 1, labels: str = "") -> None:
        """Raise a count.

        Args:
            labels: as Prometheus writes them, without braces; no subject, no operator.
        """
        self._counts[name, labels] += value

    def observe(self, name: str, value: float) -> None:
        """Add a value to a summary: its sum and its count."""
        self.add(f"{name}_sum", value)
        self.add(f"{name}_count")

    def write(self, *, now: bool = False) -> None:
        """Write what has come together; at once, or only after some seconds since the last time."""
        due = now or time.monotonic() - self._written_at >= WRITE_EVERY_SECONDS
        if not due or not self._counts:
            return
        with suppress(UnavailableError):  # Kept until it is there again.
            with self._begin() as work:
                work.meters.add(self._counts)
                work.commit()
            self._counts.clear()
            self._written_at = time.monotonic()
