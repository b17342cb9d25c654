"""`exchange purge` and `exchange quality`: what runs daily. Running either twice does no more."""

from __future__ import annotations

import json
from typing import Annotated

import typer


def purge(
    turns_max: Annotated[int, typer.Option(help="transactions at most", min=1)] = 1_000,
) -> None:
    """Remove records past their retention, print each signed certificate: `exchange purge`.

    Answers to disputes that nobody objected to in 30 days are closed as well.
    """
    from exchange import settings
    from exchange.cli.opening import open_ports
    from exchange.domain.ids import show
    from exchange.services.disputes.change_dispute import lapse_disputes
    from exchange.services.retention.purge_records import purge_records

    current = settings.load()
    with open_ports() as ports:
        lapse_disputes(ports)
        for _ in range(turns_max):
            done = purge_records(current.purge_records_max, current.fault_keep_days, ports)
            run = done.run
            print(
                json.dumps(
                    {
                        "run": show("prg", run.run_id),
                        "records": run.records,
                        "versions": run.versions,
                        "certificate": run.certificate,
                    }
                )
            )
            if not done.full:
                return


def quality() -> None:
    """Measure members that have no measure of this month, announce changes: `exchange quality`."""
    from exchange.cli.opening import open_ports
    from exchange.services.standing.measure_quality import measure_quality

    with open_ports() as ports:
        for one in measure_quality(ports):
            print(f"{one.member}  {one.dqi}  {one.quality}  {one.contribution}")
