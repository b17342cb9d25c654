"""A worker: takes the files that wait, one after the other, until it is told to stop.

Between files it looks again for watches to whom something happened, looks for flags, and drops
uploads that never ended. What fails of these is told and tried again, and files go on.

A file under way when the stop comes is finished; killed in it, a worker leaves nothing, and the
next one begins the file again at once. A database that is away is waited for.
"""

from __future__ import annotations

import gc
from contextlib import closing
from threading import Event

from exchange import telemetry
from exchange.app.outward import watch_ports
from exchange.app.ports import make_audit_ports, make_ports, open_database
from exchange.jobs.duties import Duty, carry_out
from exchange.jobs.sequence import stop_on_signals
from exchange.services.audit.ports import AuditPorts
from exchange.services.audit.raise_flags import raise_flags
from exchange.services.batches.work_off import expire_uploads, work_off_one
from exchange.services.ports import Ports
from exchange.services.watches.keep_watch import keep_watch
from exchange.services.watches.manage_watches import WatchPorts
from exchange.settings import Settings

_EXPIRE_EVERY_SECONDS = 60
_RETRY_SECONDS = 1  # a file: its tries are counted
_GARBAGE_OBJECTS = 100_000  # rows make many objects and no cycles: look for them seldom


def run_worker(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT."""
    gc.set_threshold(_GARBAGE_OBJECTS)
    telemetry.configure_logs()
    stop = Event()
    stop_on_signals(stop)
    statement_ms_max = settings.work_statement_seconds_max * 1_000
    patient = settings.model_copy(update={"statement_ms_max": statement_ms_max})
    with closing(open_database(patient)) as database:
        ports = make_ports(settings, database)
        audit_ports = make_audit_ports(settings, ports, database)
        duties = duties_of(settings, ports, audit_ports, watch_ports(settings, ports))
        carry_out(duties, stop, settings.work_poll_ms / 1_000)


def duties_of(
    settings: Settings, ports: Ports, audit_ports: AuditPorts, watches: WatchPorts
) -> list[Duty]:
    """Say what a worker does, in the order of its turns."""
    return [
        Duty(
            name="expire",
            every_seconds=_EXPIRE_EVERY_SECONDS,
            turn=lambda: _all_done(expire_uploads(ports)),
        ),
        Duty(
            name="flag",
            every_seconds=settings.flag_interval_seconds,
            turn=lambda: _all_done(raise_flags(audit_ports)),
        ),
        Duty(
            name="watch",
            every_seconds=settings.watch_interval_ms / 1_000,
            turn=lambda: keep_watch(watches).full,
        ),
        Duty(name="file", rest_seconds=_RETRY_SECONDS, turn=lambda: _work_off(ports)),
    ]


def _all_done(_count: int) -> bool:
    """Say that there is no more to do at once."""
    return False


def _work_off(ports: Ports) -> bool:
    with ports.session() as session:
        return work_off_one(session, ports)
