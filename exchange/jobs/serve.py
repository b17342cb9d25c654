"""Serve the application: this process becomes gunicorn's master.

The application's modules are loaded here, once, and the server processes are forked from it: they
start in a moment and share what stays as it was loaded. The application itself, with its pools and
keys, each of them makes after the fork.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]  # it ships no types

from exchange.app.counsel import check_counsel
from exchange.settings import Settings


class _Served(BaseApplication):  # type: ignore[misc]  # untyped base
    """Our application under our settings; neither a command line nor another file is read."""

    def load_config(self) -> None:
        """Take over what `gunicorn_conf` says."""
        from exchange.jobs import gunicorn_conf  # Reads the settings: only who serves may load it.

        self.cfg.set("default_proc_name", "exchange.app.server:create_app()")
        for name, value in vars(gunicorn_conf).items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Callable[..., Any]:
        """Make the application of one server process."""
        from exchange.app.server import create_app

        made: Flask = create_app()
        return made


def serve(settings: Settings) -> None:
    """Serve until SIGTERM; settings come from the environment.

    Raises:
        SettingsError: the settings are refused; asked here, so that the exit code says so.
        SystemExit: the server ended.
    """
    check_counsel(settings)
    _Served(prog="gunicorn").run()
