"""The sequencer's process: compose what it may touch, and run its loop until it is stopped."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from threading import Event

from exchange import telemetry
from exchange.app.ports import make_erase_ports, make_log_ports, make_ports, open_database
from exchange.app.publishing import excusing, open_publishing, vouching
from exchange.errors import LogDamaged, LogRolledBack, TileDamaged, UnavailableError
from exchange.jobs.meters import Meters
from exchange.jobs.sequence import EXIT_REFUSED, Late, sequence, stop_on_signals
from exchange.services.erasure.shred_openings import shred_again
from exchange.services.log.approve import Approval, write_approved
from exchange.services.log.open_log import open_log
from exchange.services.log.ports import LogPorts, SequencePorts
from exchange.services.log.sequence_log import Turn, drain_log
from exchange.services.log.write_daily import heartbeat, write_daily
from exchange.services.ports import Ports
from exchange.settings import Settings
from exchange.store.log import LogDatabase
from exchange.store.work import Database

_FORGET_EVERY_TURNS = 60
_DAY_SECONDS = 86_400
_COUNTS_KEEP_SECONDS = 2 * _DAY_SECONDS  # the longest period is a day
WARN_SECONDS = 5
PAGE_SECONDS = 30


def run_sequencer(settings: Settings, *, unwitnessed: Approval | None = None) -> int:
    """Sequence until SIGTERM or SIGINT; return the exit code.

    Args:
        unwitnessed: two people who let it go on though no witness answers; it is a leaf.

    Raises:
        InvalidField: they are not two.
    """
    if unwitnessed is not None:
        unwitnessed.check()
    telemetry.configure_logs()
    stop = Event()
    stop_on_signals(stop)
    with (
        closing(open_database(settings)) as database,
        closing(LogDatabase(settings.libpq_url)) as log_database,
        open_publishing(settings) as publishing,
    ):
        ports = make_ports(settings, database)
        meters = Meters(log_database.begin)
        log_ports, sequence_ports = make_log_ports(settings, ports, log_database)
        vouch = vouching(publishing)
        sequence_ports = replace(
            sequence_ports, vouch=vouch if unwitnessed is None else excusing(vouch)
        )
        try:
            once_it_answers(
                lambda: _before_turns(settings, (log_ports, sequence_ports), database, unwitnessed),
                stop,
                settings.sequence_interval_ms / 1_000,
            )
            sequence(
                log_ports,
                sequence_ports,
                interval_seconds=settings.sequence_interval_ms / 1_000,
                stop=stop,
                report=_Housekeeping(settings, database, ports, meters),
            )
        except (LogDamaged, LogRolledBack) as error:
            failed = isinstance(error, TileDamaged)
            meters.add(telemetry.TILE_FAILURES if failed else telemetry.GUARD_REFUSALS)
            meters.write(now=True)
            telemetry.alarm("sequencer refuses to go on", code=error.code, exit_code=EXIT_REFUSED)
            return EXIT_REFUSED
    return 0


def _before_turns(
    settings: Settings,
    log: tuple[LogPorts, SequencePorts],
    database: Database,
    unwitnessed: Approval | None,
) -> None:
    """Shred what a restored database brought back, before anything of it is sequenced."""
    log_ports, sequence_ports = log
    open_log(log_ports, lambda closed: drain_log(closed, sequence_ports))
    again = shred_again(make_erase_ports(settings, log_ports.ports, database))
    if again.keys:
        telemetry.alarm("a restored database held shredded keys", leaves=len(again.leaves))
    if unwitnessed is not None:
        with log_ports.begin() as work:
            write_approved("log.unwitnessed", unwitnessed, work, log_ports)
            work.commit()


def once_it_answers(act: Callable[[], None], stop: Event, pause_seconds: float) -> None:
    """Do this as soon as the database answers; only being told to stop ends the waiting.

    A sequencer that was killed may come back before the database does: ending then would be taken
    for a refusal.
    """
    while not stop.is_set():
        try:
            act()
        except UnavailableError as error:
            telemetry.log("sequencer waits", code=error.code)
            stop.wait(pause_seconds)
        else:
            return


class _Housekeeping:
    """Told of each turn: says what is late, and now and then does what is done beside turns."""

    def __init__(
        self, settings: Settings, database: Database, ports: Ports, meters: Meters
    ) -> None:
        self._meters = meters
        self._settings = settings
        self._database = database
        self._ports = ports
        self._log_ports = LogPorts(ports=ports, begin=database.begin)
        self._turns = 0
        self._covered_until = ports.now()
        self._beat_at = ports.now()

    def __call__(self, turn: Turn | Late) -> None:
        now = self._ports.now()
        if isinstance(turn, Late):
            telemetry.log("sequencer waits", code=turn.error.code)
        else:
            self._covered_until = turn.covered_until
            self._meters.observe(telemetry.TURN_SECONDS, turn.seconds)
            self._meters.observe(telemetry.TURN_LEAVES, turn.leaves)
            self._meters.write()
            if turn.leaves:
                telemetry.log("sequenced", leaves=turn.leaves, checkpoint_size=turn.size)
        if (late := lateness(now - self._covered_until)) is not None:
            late("the log is late", late_seconds=now - self._covered_until)
        if isinstance(turn, Turn):
            self._beside(now)

    def _beside(self, now: int) -> None:
        if self._settings.heartbeat_seconds and now - self._beat_at >= (
            self._settings.heartbeat_seconds
        ):
            self._beat_at = now
            heartbeat(self._log_ports)
        self._turns += 1
        if self._turns % _FORGET_EVERY_TURNS == 0:
            write_daily(self._log_ports)
            with self._database.begin() as work:
                work.members.forget_nonces(now - self._settings.nonce_keep_seconds)
                work.members.forget_counts(now - _COUNTS_KEEP_SECONDS)
                kept_days = self._settings.security_event_keep_days
                work.security.forget(now - kept_days * _DAY_SECONDS)
                work.commit()


def lateness(seconds: int) -> Callable[..., None] | None:
    """Say how to tell that the oldest leaf without an index is this old: not at all, or how loud.

    Source: log.md, 9.
    """
    if seconds >= PAGE_SECONDS:
        return telemetry.alarm
    return telemetry.log if seconds >= WARN_SECONDS else None
