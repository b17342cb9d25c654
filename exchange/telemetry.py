"""What the processes tell an operator: JSON log lines and metrics, by allow-lists.

In:  an event's name and fields of `FIELDS`; of other libraries' lines only the fixed text.
Out: one JSON object a line on standard error, and counters that all server processes share.
Kept out: bodies, tokens, signatures, identifiers, texts of errors. A field that is not listed is
dropped and counted, so that a value cannot reach a log by a mistake elsewhere.
"""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import Callable, MutableMapping
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, TextIO

import msgspec
import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

FIELDS = frozenset(
    {
        "alarm",
        "body_bytes",
        "checkpoint_size",
        "code",
        "dropped_fields",
        "duration_ms",
        "event",
        "exit_code",
        "key",
        "late_seconds",
        "leaves",
        "level",
        "logger",
        "member",
        "method",
        "peer",
        "pid",
        "request_id",
        "route",
        "status",
        "timestamp",
        "trace",
        "version",
        "witness",
    }
)
TEXT_CHARACTERS_MAX = 200  # of one field of a line
METRICS_DIR = "PROMETHEUS_MULTIPROC_DIR"  # set before this module is loaded, or one process counts

REQUESTS = Counter("cx_requests", "Requests answered.", ["route", "method", "status"])
SECONDS = Histogram(
    "cx_request_seconds",
    "Time from the first look at a request to its response.",
    ["route"],
    buckets=(0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1, 2, 4, 8, 30),
)
REFUSALS = Counter("cx_refusals", "Requests refused before a decision.", ["code"])
EVENTS_LOST = Counter(
    "cx_security_events_lost", "Security events that could not be stored.", ["why"]
)
PROOFS = Counter("cx_log_proofs", "Proofs of leaves that members fetched.")
ALARMS = Counter("cx_alarms", "Faults of ours that a person must look at.", ["code"])

# What other processes count and the server shows (jobs/meters.py).
WITNESS_STATUS = "cx_log_witness_status_total"  # what witnesses answered; 0: nothing
TURN_SECONDS = "cx_log_turn_seconds"  # a sum and a count of turns, as is the next
TURN_LEAVES = "cx_log_turn_leaves"
TILE_FAILURES = "cx_log_tile_check_failures_total"
GUARD_REFUSALS = "cx_log_guard_refusals_total"
SHREDDED_KEYS = "cx_log_shredded_keys_total"
# What stands at 0 until it is counted: a rise from nothing would be seen by no alarm.
FROM_ZERO = (
    *(TILE_FAILURES, GUARD_REFUSALS, SHREDDED_KEYS),
    *(f"{name}_{part}" for name in (TURN_SECONDS, TURN_LEAVES) for part in ("sum", "count")),
)

_Event = MutableMapping[str, object]


def configure_logs(stream: TextIO = sys.stderr) -> None:
    """Send our events and other libraries' lines to one stream, as JSON."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _allowed,
            structlog.processors.JSONRenderer(sort_keys=True),
        ],
        logger_factory=structlog.WriteLoggerFactory(file=stream),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def log(event: str, **fields: object) -> None:
    """Write one line; fields that are not of `FIELDS` are dropped. Silent until configured."""
    if structlog.is_configured():
        structlog.get_logger().info(event, **fields)


class Series(NamedTuple):
    """What requests are counted by: never more values than routes, methods and statuses."""

    route: str
    method: str
    status: int


@lru_cache(maxsize=1_024)  # finding a counter by its labels costs more than counting
def _counters(series: Series) -> tuple[Counter, Histogram]:
    return REQUESTS.labels(*series), SECONDS.labels(series.route)


def answered(series: Series, request_id: str, seconds: float) -> None:
    """Count one request, and write its line.

    The line is laid out here, as `log` would write it: a tenth of a query's time went there.
    """
    count, duration = _counters(series)
    count.inc()
    duration.observe(seconds)
    if structlog.is_configured():
        line = {
            "duration_ms": round(seconds * 1_000, 2),
            "event": "answered",
            "level": "info",
            "method": series.method,
            "request_id": request_id[:TEXT_CHARACTERS_MAX],
            "route": series.route,
            "status": series.status,
            "timestamp": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        }
        _writer(structlog.get_config()["logger_factory"]).info(msgspec.json.encode(line).decode())


@lru_cache(maxsize=2)
def _writer(factory: Callable[[], structlog.WriteLogger]) -> structlog.WriteLogger:
    """Return what writes lines, made once: each one made looks up the lock of its stream."""
    return factory()


def alarm(event: str, **fields: object) -> None:
    """Write one line that a person must look at."""
    if structlog.is_configured():
        structlog.get_logger().error(event, alarm=True, **fields)


def trace_of(error: BaseException) -> tuple[str, ...]:
    """Say where an exception came from, without its message: that may hold values."""
    frames = traceback.extract_tb(error.__traceback__)
    places = tuple(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames)
    return (*places, type(error).__name__)


def metrics() -> bytes:
    """Return the counters of all processes in Prometheus' text form."""
    if not os.environ.get(METRICS_DIR):
        return generate_latest()
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # untyped library
    return generate_latest(registry)


def open_metrics(directory: Path) -> None:
    """Empty the directory that the processes share; the master does so before it forks."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for left in directory.glob("*.db"):
        left.unlink()


def forget_process(pid: int) -> None:
    """Take a dead process's live gauges out of the sum."""
    if os.environ.get(METRICS_DIR):
        mark_process_dead(pid)  # type: ignore[no-untyped-call]  # untyped library


def _allowed(_logger: object, _name: str, event: _Event) -> _Event:
    kept = {name: _plain(value) for name, value in event.items() if name in FIELDS}
    if dropped := len(event) - len(kept):
        kept["dropped_fields"] = dropped
    return kept


def _plain(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, tuple | list):
        return [str(part)[:TEXT_CHARACTERS_MAX] for part in value]
    return str(value)[:TEXT_CHARACTERS_MAX]


class JsonLines(logging.Formatter):
    """A library's line: its fixed text and the kind of its exception, never its arguments."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line of JSON."""
        event: _Event = {
            "event": str(record.msg),
            "level": record.levelname.lower(),
            "logger": record.name,
            "pid": record.process,
        }
        if record.exc_info and record.exc_info[0]:
            event["trace"] = (record.exc_info[0].__name__,)
        stamped = structlog.processors.TimeStamper(fmt="iso", utc=True)(None, "", event)
        line = structlog.processors.JSONRenderer(sort_keys=True)(
            None, "", _allowed(None, "", stamped)
        )
        return line if isinstance(line, str) else line.decode()
