"""What this process logs while a test looks."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO

import structlog

from exchange import telemetry


@contextmanager
def logged() -> Iterator[StringIO]:
    """Yield where the lines go; afterwards everything logs as before."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    written = StringIO()
    telemetry.configure_logs(written)
    try:
        yield written
    finally:
        structlog.reset_defaults()
        root.handlers[:] = handlers
        root.setLevel(level)
