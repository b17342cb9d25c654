"""Serve the application: this process becomes gunicorn's master.

The application's modules are loaded here, once, and the server processes are forked from it: they
start in a moment and share what stays as it was loaded. The application itself, with its pools and
keys, each of them makes after the fork.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]  # it ships no types

from exchange import telemetry
from exchange.app.counsel import check_counsel
from exchange.app.ports import make_erase_ports, make_ports, open_database
from exchange.errors import LogRolledBack, UnavailableError
from exchange.services.log.check_restored import check_restored
from exchange.services.log.ports import LogPorts
from exchange.services.members.profile_in_force import check_profile
from exchange.settings import Settings
from exchange.store.log.checkpoint_file import CheckpointFiles


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
        LogRolledBack, OSError: the database was restored, or nothing would show it.
        SystemExit: the server ended.
    """
    telemetry.configure_logs()
    check_counsel(settings)
    check_database(settings)
    _Served(prog="gunicorn").run()


def check_database(settings: Settings) -> None:
    """Hold the database against the law here, and against the files outside of it.

    Raises:
        ConflictError: another law is in force.
        LogRolledBack: the database was restored from before what was signed or shredded, or
            nothing is where `checkpoint_path` says that this could be seen.
        OSError: the files that would show it cannot be read.
    """
    with closing(open_database(settings)) as database:
        ports = make_ports(settings, database)
        outside = CheckpointFiles(settings.checkpoint_file).read
        log_ports = LogPorts(ports=ports, begin=database.begin)
        try:
            if not settings.sandbox:
                check_profile(ports)
            unseen = check_restored(outside, log_ports, make_erase_ports(settings, ports, database))
        except UnavailableError as error:  # Then nothing is answered either, until it is back.
            telemetry.log("server starts without its database", code=error.code)
            return
    if unseen and settings.checkpoint_path:
        raise LogRolledBack(
            f"{unseen[0]}: the log has leaves, and no checkpoint is at checkpoint_path; name the "
            "sequencer's, or put back the newest signed one"
        )
    if unseen:
        telemetry.alarm("checkpoint_path is not set: a restored database would be served")
