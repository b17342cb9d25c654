"""Count what each member has in flight in this process, and refuse what is too much.

One member with slow bodies or many connections cannot take every thread (security.md, T22 and 4).
Exact for one server process: an exchange lets through up to processes times the limit. No request
waits for the database to be refused.
"""

from __future__ import annotations

import threading
from collections import Counter

from exchange.errors import QuotaError

RETRY_SECONDS = 1  # a request of ours takes milliseconds


class Flights:
    """The requests in flight, by member."""

    def __init__(self, *, flights_max: int) -> None:
        self._flights_max = flights_max
        self._flying: Counter[str] = Counter()
        self._lock = threading.Lock()

    def take_off(self, member: str) -> None:
        """Count one more request of a member.

        Raises:
            QuotaError: as many as may be are in flight.
        """
        with self._lock:
            if self._flying[member] >= self._flights_max:
                raise QuotaError(
                    f"at most {self._flights_max} requests may be in flight",
                    retry_after_seconds=RETRY_SECONDS,
                )
            self._flying[member] += 1

    def land(self, member: str) -> None:
        """Count one less; a member with none takes no room."""
        with self._lock:
            self._flying[member] -= 1
            if not self._flying[member]:
                del self._flying[member]
