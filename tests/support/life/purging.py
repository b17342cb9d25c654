"""Let time pass over a record, and purge."""

from __future__ import annotations

from datetime import timedelta

from exchange.services.retention.purge_records import Purged, purge_records
from tests.support.dispute_desk import DisputeDesk
from tests.support.grant_desk import shown


def purged(desk: DisputeDesk, records_max: int = 100) -> Purged:
    """Run one turn of the purge, today."""
    return purge_records(records_max, 90, desk.sandbox.ports)


def settle(desk: DisputeDesk, account: str = "acc-1") -> None:
    """Report an account as settled today."""
    today = desk.day(0)
    row = desk.clean(
        1, account, status="SETTLED", status_on=today, closed_on=today, balance_minor=0
    )
    shown(desk.put(row))


def due(desk: DisputeDesk, days: int) -> None:
    """Let the record's last day be so many days ahead."""
    desk.sql(
        "UPDATE record SET purge_on = %s WHERE current RETURNING 1",
        desk.today + timedelta(days=days),
    )
