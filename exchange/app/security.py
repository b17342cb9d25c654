"""The way of security events into the database, beside the requests and never before them.

A refusal only puts its event into a queue of bounded length: a thread of this process's own
stores what has gathered, so that neither a stranger's refusal nor a member's answer waits for it.
What the queue or the database cannot take is counted, and stands in the JSON log in any case.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address
from queue import Empty, Full, Queue
from threading import Thread

from exchange import telemetry
from exchange.api.edge.problems import Refusal
from exchange.domain.security.events import NOBODY, SecurityEvent
from exchange.errors import UnavailableError
from exchange.services.ports import Ports
from exchange.services.security.limit_events import WINDOW_SECONDS, EventLimiter
from exchange.services.security.store_events import store_events
from exchange.settings import Settings

EVENTS_WAITING_MAX = 10_000
EVENTS_AT_ONCE_MAX = 500
_UNKNOWN = "unknown"


class SecurityWriter:
    """Stores the security events of one process."""

    def __init__(self, ports: Ports, limiter: EventLimiter) -> None:
        self._ports = ports
        self._limiter = limiter
        self._queue: Queue[SecurityEvent | None] = Queue(EVENTS_WAITING_MAX)
        self._thread = Thread(target=self._run, name="security-events", daemon=True)
        self._thread.start()

    def note(self, refusal: Refusal) -> None:
        """Take the event of a refusal; faults of ours are no security events."""
        if refusal.status >= 500:
            return
        try:
            self._queue.put_nowait(event_of(refusal, self._ports.now))
        except Full:
            telemetry.EVENTS_LOST.labels("queue full").inc()

    def flush(self) -> None:
        """Wait until what was noted so far is stored."""
        self._queue.join()

    def close(self) -> None:
        """Store what is left and end the thread."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        last = False
        while not last:
            gathered = self._gather()
            last = None in gathered
            now = self._ports.now()
            self._store([event for event in gathered if event is not None], now)
            if last:
                self._store([], now + WINDOW_SECONDS)  # Every open window ends and is told.
            for _ in gathered:
                self._queue.task_done()

    def _gather(self) -> list[SecurityEvent | None]:
        """Wait for an event or the end of a window, then take whatever else is there."""
        gathered: list[SecurityEvent | None] = []
        try:
            gathered.append(self._queue.get(timeout=WINDOW_SECONDS))
            while len(gathered) < EVENTS_AT_ONCE_MAX:
                gathered.append(self._queue.get_nowait())
        except Empty:
            pass
        return gathered

    def _store(self, events: list[SecurityEvent], now: int) -> None:
        taken = self._limiter.take(events, now)
        if not taken:
            return
        try:
            store_events(taken, self._ports)
        except UnavailableError as error:
            telemetry.EVENTS_LOST.labels("database away").inc(len(taken))
            telemetry.alarm("security events not stored", code=error.code)


def security_writer(settings: Settings, ports: Ports) -> SecurityWriter:
    """Make the writer of this process."""
    limiter = EventLimiter(
        events_max=settings.security_events_per_minute, peers_max=settings.security_peers_max
    )
    return SecurityWriter(ports, limiter)


def event_of(refusal: Refusal, now: Callable[[], int]) -> SecurityEvent:
    """Return what is kept of a refusal: of a stranger's own words nothing, its id included."""
    strange = refusal.request_id_given and refusal.member is None
    return SecurityEvent(
        at=now(),
        code=refusal.code,
        route=refusal.route or NOBODY,
        request_id=NOBODY if strange else refusal.request_id,
        member=refusal.member or NOBODY,
        key=refusal.key or NOBODY,
        peer=_address(refusal.peer),
        body_bytes=refusal.body_bytes,
    )


def _address(peer: str) -> str:
    """Return a network address, spelled in one way; a forwarded header may hold anything."""
    try:
        return str(ip_address(peer))
    except ValueError:
        return _UNKNOWN
