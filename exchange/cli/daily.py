"""`exchange purge`, `quality`, `lend-first`, `report`: what runs daily. Twice is once."""

from __future__ import annotations

import json
from typing import Annotated

import typer

_ACCOUNTS_MAX = 1_000  # in one transaction


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


def lend_first(
    turns_max: Annotated[int, typer.Option(help="transactions at most", min=1)] = 1_000,
) -> None:
    """Log loans that records alone tell of, three days after: `exchange lend-first`."""
    from exchange.cli.opening import open_ports
    from exchange.services.disbursements.log_opened import log_opened

    logged = 0
    with open_ports() as ports:
        for _ in range(turns_max):
            loans, full = log_opened(_ACCOUNTS_MAX, ports)
            logged += loans
            if not full:
                break
    print(f"{logged} loans logged that no disbursement tells of")


def report(
    from_day: Annotated[
        int, typer.Option(help="of the month; before it nothing is made", min=1, max=28)
    ] = 1,
) -> None:
    """Make this month's report of the consortium, unless there is one: `exchange report`.

    It opens every record once, and says in a leaf of the log that it did.
    """
    from exchange.cli.opening import open_audit_ports
    from exchange.domain.records import month_text, today_in
    from exchange.services.reports.make_report import make_report

    with open_audit_ports() as audit_ports:
        ports = audit_ports.ports
        if today_in(ports.terms.profile.timezone, ports.now()).day < from_day:
            print(f"no report before day {from_day} of the month")
            return
        made = make_report(audit_ports)
    if made is None:
        print("this month has its report already")
    else:
        print(f"report of {month_text(made.month)}, {made.records} versions of records opened")
