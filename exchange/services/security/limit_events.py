"""Bound what one peer can write into the security events, and count what is left out.

In:  the events of one process, in order, and the time.
Out: those to be stored. What a peer sent beyond its share of a minute is told at the minute's end
     by the last of them, which carries the number of the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from exchange.domain.security.events import SecurityEvent

WINDOW_SECONDS = 60
_ALL_OTHERS = ""  # peers beyond the number that are told apart share one window


@dataclass(slots=True)
class _Window:
    began: int  # unix seconds
    stored: int = 0
    dropped: int = 0
    last: SecurityEvent | None = None  # the newest of the dropped


class EventLimiter:
    """The windows of all peers of one process. One thread alone may use it."""

    def __init__(self, *, events_max: int, peers_max: int) -> None:
        """Make it.

        Args:
            events_max: stored events of one peer a minute.
            peers_max: peers that are told apart at a time.
        """
        self._events_max = events_max
        self._peers_max = peers_max
        self._windows: dict[str, _Window] = {}

    def take(self, events: Iterable[SecurityEvent], now: int) -> list[SecurityEvent]:
        """Return what is to be stored now."""
        ended = list(self._end_windows(now))
        return ended + [event for event in events if self._within(event, now)]

    def _end_windows(self, now: int) -> Iterator[SecurityEvent]:
        over = [one for one, it in self._windows.items() if now - it.began >= WINDOW_SECONDS]
        for peer in over:
            window = self._windows.pop(peer)
            if window.last:
                yield replace(window.last, dropped=window.dropped - 1)

    def _within(self, event: SecurityEvent, now: int) -> bool:
        window = self._window(event.peer, now)
        if window.stored < self._events_max:
            window.stored += 1
            return True
        window.dropped += 1
        window.last = event
        return False

    def _window(self, peer: str, now: int) -> _Window:
        if peer not in self._windows and len(self._windows) >= self._peers_max:
            peer = _ALL_OTHERS
        return self._windows.setdefault(peer, _Window(began=now))
