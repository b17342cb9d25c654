"""The publisher's process: compose what it may touch, and run its loop until it is stopped."""

from __future__ import annotations

from threading import Event

from exchange import telemetry
from exchange.app.publishing import open_publishing
from exchange.errors import LogRolledBack, UnavailableError
from exchange.jobs.meters import Meters
from exchange.jobs.publish import Rhythm, publish
from exchange.jobs.sequence import EXIT_REFUSED, stop_on_signals
from exchange.services.witnesses.submit_checkpoint import OK, Round
from exchange.settings import Settings
from exchange.store.log.checkpoint_file import CheckpointFiles


def run_publisher(settings: Settings) -> int:
    """Publish until SIGTERM or SIGINT; return the exit code."""
    telemetry.configure_logs()
    stop = Event()
    stop_on_signals(stop)
    files = CheckpointFiles(settings.checkpoint_file)

    def halt(origin: str, error: LogRolledBack) -> None:
        files.stop(origin, f"{error}\n")

    with open_publishing(settings) as ports:
        meters = Meters(ports.log_ports.begin)
        try:
            publish(
                ports,
                rhythm=Rhythm(
                    new_seconds=settings.publish_new_ms / 1_000,
                    same_seconds=settings.publish_interval_ms / 1_000,
                ),
                stop=stop,
                report=lambda done: _report(done, meters),
                halt=halt,
            )
        except LogRolledBack as error:
            meters.add(telemetry.GUARD_REFUSALS)
            meters.write(now=True)
            telemetry.alarm("a witness contradicts the log", code=error.code)
            return EXIT_REFUSED
    return 0


def _report(done: Round | UnavailableError, meters: Meters) -> None:
    if isinstance(done, UnavailableError):
        telemetry.log("publisher waits", code=done.code)
        return
    for asked in done.asked:
        labels = f'status="{asked.status}",witness="{asked.witness}"'
        meters.add(telemetry.WITNESS_STATUS, labels=labels)
        if asked.status != OK or asked.cosignature is None:
            telemetry.alarm(
                "a witness did not cosign",
                witness=asked.witness,
                status=asked.status,
                checkpoint_size=done.size,
            )
    meters.write()
