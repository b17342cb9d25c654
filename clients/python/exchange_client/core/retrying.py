"""When to try again: outages and what the exchange calls retryable, within one total deadline."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TypedDict

from exchange_client.errors import CxError, Refused

TRY_SECONDS_MIN = 0.05  # what a last try gets at least


class Limits(TypedDict):
    """Keyword arguments of `stamina.retry_context`."""

    attempts: int
    timeout: float  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long the client tries. Every limit is finite."""

    deadline_seconds: float = 30.0  # of one call, all tries and pauses included
    try_seconds: float = 10.0  # of one try
    tries: int = 8

    def start(self) -> Deadline:
        """Start the clock of one call."""
        return Deadline(ends=time.monotonic() + self.deadline_seconds, patience=self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """One call's clock."""

    ends: float  # monotonic seconds
    patience: Patience

    def try_seconds(self) -> float:
        """Return how long the next try may take."""
        left = self.ends - time.monotonic()
        return max(TRY_SECONDS_MIN, min(self.patience.try_seconds, left))

    def limits(self) -> Limits:
        """Return the limits as the retry library names them."""
        return Limits(attempts=self.patience.tries, timeout=self.patience.deadline_seconds)

    def again(self, error: Exception) -> bool | float:
        """Say False (give up), True (pause by growing steps), or the seconds to pause.

        A pause that the deadline would cut is not begun.
        """
        if not isinstance(error, CxError) or not error.retryable:
            return False
        asked = error.retry_after_seconds if isinstance(error, Refused) else None
        if asked is None:
            return True
        return float(asked) if time.monotonic() + asked < self.ends else False
