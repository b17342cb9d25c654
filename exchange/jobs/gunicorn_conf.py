"""gunicorn's settings, from ours; an operator changes ours. security.md, H4 and section 4.

gthread keeps connections alive; no worker is recycled; the control socket is off.
"""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Mapping
from typing import Protocol

from flask import Flask

from exchange import settings as settings_module
from exchange.jobs.cores import least_taken, stay_on, usable_cores
from exchange.jobs.parents import end_with_parent

_settings = settings_module.load()
_metrics = _settings.data_dir.absolute() / "metrics"
# Before the metrics library is loaded: it looks once, and writes when its first counter is made.
_metrics.mkdir(mode=0o700, parents=True, exist_ok=True)
os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(_metrics))

from exchange import telemetry  # noqa: E402 - see above
from exchange.store.health import connections_max  # noqa: E402 - see above

GARBAGE_OBJECTS = 10_000  # a request makes hundreds of objects and no cycles: look for them seldom
SOCKET_MODE = 0o660
SPARE_CONNECTIONS = 10  # sequencer, probes, an operator


class Process(Protocol):
    """A server process, as gunicorn hands it over."""

    pid: int
    wsgi: Flask | None  # the application, once it is loaded
    core: int  # on which it stays; ours, absent where the system does not pin


class Master(Protocol):
    """gunicorn's master."""

    WORKERS: Mapping[int, Process]  # that run, by pid


bind = _settings.listen
workers = _settings.workers or os.cpu_count() or 1
threads = _settings.worker_threads
worker_class = "exchange.jobs.serving.worker.DrainingWorker"  # gthread that drains
max_requests = 0
preload_app = False  # pools and keys are made after the fork
timeout = _settings.request_seconds_max
graceful_timeout = _settings.drain_seconds_max
keepalive = 75
limit_request_line = _settings.request_line_bytes_max
limit_request_fields = _settings.headers_max
limit_request_field_size = _settings.header_bytes_max
umask = 0o077
control_socket_disable = True
forwarded_allow_ips = ",".join(_settings.proxy_addresses)
accesslog = None
logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": telemetry.JsonLines}},
    "handlers": {"json": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"level": "WARNING", "handlers": ["json"]},
    "loggers": {
        "gunicorn.error": {"level": "WARNING", "handlers": ["json"], "propagate": False},
        "gunicorn.access": {"level": "CRITICAL", "handlers": [], "propagate": False},
    },
}


def on_starting(_arbiter: object) -> None:
    """Refuse what cannot work; empty the counters' directory, or an earlier run's would be added.

    Raises:
        SystemExit: our pools together want more connections than the database takes.
    """
    wanted = workers * _settings.pool_connections_max + SPARE_CONNECTIONS
    taken = connections_max(_settings.libpq_url)
    if taken is not None and wanted > taken:
        raise SystemExit(
            f"refused: {workers} processes with {_settings.pool_connections_max} connections each, "
            f"and {SPARE_CONNECTIONS} spare, exceed the database's max_connections of {taken}"
        )
    telemetry.open_metrics(_metrics)
    import exchange.app.server  # noqa: F401 - loaded once; the server processes are forked from here

    gc.collect()
    gc.freeze()


def when_ready(_arbiter: object) -> None:
    """Let the group reach a unix socket: the proxy is another user; the folder bars the rest."""
    if _settings.listen.startswith("unix:"):
        os.chmod(_settings.listen.removeprefix("unix:"), SOCKET_MODE)


def pre_fork(arbiter: Master, worker: Process) -> None:
    """Choose the core of a process to come, the one of a process that died before others."""
    if len(cores := usable_cores()) > 1:
        taken = (getattr(one, "core", -1) for one in arbiter.WORKERS.values())
        worker.core = least_taken(cores, taken)


def post_fork(_arbiter: object, worker: Process) -> None:
    """Log as JSON from the first line of each server process, and never outlive the master.

    A process whose master was killed would hold the address for as long as its clients hold their
    connections, without serving new ones: whoever starts a new master could not.
    """
    end_with_parent(signal.SIGKILL)
    telemetry.configure_logs()
    if hasattr(worker, "core"):
        stay_on(worker.core)


def post_worker_init(_worker: Process) -> None:
    """Keep the collector from walking what was made once and stays: a tenth of a query's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_OBJECTS)


def worker_exit(_arbiter: object, worker: Process) -> None:
    """Store the security events that a drained process still holds."""
    app = getattr(worker, "wsgi", None)  # absent where the application did not load
    if app is not None:
        app.extensions["exchange.security"].close()


def child_exit(_arbiter: object, worker: Process) -> None:
    """Take a dead process out of the live gauges."""
    telemetry.forget_process(worker.pid)
