"""A worker: takes the files that wait, one after the other, until it is told to stop.

Between files it looks again for watches to whom something happened.

A file under way when the stop comes is finished; killed in it, a worker leaves nothing, and the
next one begins the file again at once. A database that is away is waited for.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable
from contextlib import closing
from threading import Event

from exchange.app.outward import watch_ports
from exchange.app.ports import make_audit_ports, make_ports, open_database
from exchange.errors import IntegrityError, UnavailableError
from exchange.jobs.sequence import stop_on_signals
from exchange.services.audit.raise_flags import raise_flags
from exchange.services.batches.work_off import expire_uploads, work_off_one
from exchange.services.ports import Ports
from exchange.services.watches.keep_watch import keep_watch
from exchange.settings import Settings

_EXPIRE_EVERY_SECONDS = 60
_RETRY_SECONDS = 1
_GARBAGE_OBJECTS = 100_000  # rows make many objects and no cycles: look for them seldom


def run_worker(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT."""
    gc.set_threshold(_GARBAGE_OBJECTS)
    stop = Event()
    stop_on_signals(stop)
    statement_ms_max = settings.work_statement_seconds_max * 1_000
    patient = settings.model_copy(update={"statement_ms_max": statement_ms_max})
    with closing(open_database(patient)) as database:
        ports = make_ports(settings, database)
        audit_ports = make_audit_ports(settings, ports, database)
        watches = watch_ports(settings, ports)
        expired_at = flagged_at = watched_at = 0.0
        while not stop.is_set():
            if time.monotonic() - expired_at > _EXPIRE_EVERY_SECONDS:
                expired_at = time.monotonic()
                _tried(lambda: bool(expire_uploads(ports)), stop)
            if time.monotonic() - flagged_at > settings.flag_interval_seconds:
                flagged_at = time.monotonic()
                _tried(lambda: bool(raise_flags(audit_ports)), stop)
            more = False
            if time.monotonic() - watched_at > settings.watch_interval_ms / 1_000:
                more = _tried(lambda: keep_watch(watches).full, stop)
                watched_at = 0.0 if more else time.monotonic()
            if not _tried(lambda: _turn(ports), stop) and not more:
                stop.wait(settings.work_poll_ms / 1_000)


def _turn(ports: Ports) -> bool:
    with ports.session() as session:
        return work_off_one(session, ports)


def _tried(turn: Callable[[], bool], stop: Event) -> bool:
    """Take a turn; False if there was nothing to do, or nothing could be done now."""
    try:
        return turn()
    except (UnavailableError, IntegrityError) as error:
        print(f"worker waits: {error.code}: {error}", file=sys.stderr, flush=True)
        stop.wait(_RETRY_SECONDS)
        return False
