"""Serve the application: this process becomes gunicorn's master."""

from __future__ import annotations

import os
import sys

from exchange import settings
from exchange.app.counsel import check_counsel

COMMAND = (
    sys.executable,
    "-m",
    "gunicorn",
    "--config",
    "python:exchange.jobs.gunicorn_conf",
    "exchange.app.server:create_app()",
)


def serve() -> None:
    """Replace this process; settings come from the environment.

    Raises:
        SettingsError: the settings are refused; asked here, so that the exit code says so.
    """
    check_counsel(settings.load())
    os.execv(COMMAND[0], COMMAND)  # noqa: S606 - our own interpreter, no shell
