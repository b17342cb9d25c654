"""Serve the application: this process becomes gunicorn's master."""

from __future__ import annotations

import os
import sys

COMMAND = (
    sys.executable,
    "-m",
    "gunicorn",
    "--config",
    "python:exchange.jobs.gunicorn_conf",
    "exchange.app:create_app()",
)


def serve() -> None:
    """Replace this process; settings come from the environment."""
    os.execv(COMMAND[0], COMMAND)  # noqa: S606 - our own interpreter, no shell
