"""Turn clients of the public UCI credit-card default file into records of five members.

In:  the file (Yeh 2009, UCI data set 350): per client a credit limit, six monthly statuses and
     bills from April to September, and whether it defaulted in October.
Out: monthly rows as a member would report them; April's is the oldest of six reports.
Kept out: sex, education, marriage, age; the outcome is read for the comparison alone.

A status of k months is the first day of bucket k. What a row may say is bounded by the rows before
it (nobody on time at one report can be 60 days late at the next): there the row says the most that
is possible, and `cut_short` counts it. NT$ are reported as if they were CNY, unit for unit.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

MONTHS = 6
MEMBERS = tuple(f"bank-{letter}" for letter in "abcde")
_GAP_DAYS = 31  # between reports: in a shorter one an account cannot pass from on time to bucket 2
_BEFORE_DAYS = 300  # how long an episode that runs at the first report may have run already
_AGE_DAYS = 900  # of every account at its first report
_MINOR = 100
_DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """One line of the file, oldest month first."""

    number: int  # the line's ID; all that becomes of the person
    limit: int  # NT$
    statuses: tuple[int, ...]  # -2 no use, -1 paid in full, 0 revolving, 1-8 months overdue
    bills: tuple[int, ...]  # NT$
    defaulted: bool  # in October: compared with answers, never reported

    @property
    def member(self) -> str:
        """The member that this client owes to."""
        return MEMBERS[self.number % len(MEMBERS)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrear:
    """How late an account is at a report."""

    dpd: int  # whole days past due
    first_overdue_on: date


def read_clients(path: Path) -> list[Client]:
    """Read the file; X2 to X5 are not looked at. Some amounts stand as 5.00E+05."""
    with path.open(encoding="ascii", newline="") as file:
        return [
            Client(
                number=int(line["ID"]),
                limit=int(Decimal(line["X1"])),
                statuses=tuple(int(line[f"X{column}"]) for column in range(11, 5, -1)),
                bills=tuple(int(Decimal(line[f"X{column}"])) for column in range(17, 11, -1)),
                defaulted=line["Y"] == "1",
            )
            for line in csv.DictReader(file)
        ]


def report_days(today: date) -> list[date]:
    """Return the days of the six reports, oldest first; the last one is the latest month's end."""
    newest = today.replace(day=1) - timedelta(days=1)
    return [newest - timedelta(days=_GAP_DAYS * back) for back in reversed(range(MONTHS))]


def arrears(client: Client, days: list[date]) -> Iterator[Arrear | None]:
    """Yield how late the account is at each report, and since when its episode runs."""
    first: date | None = None
    earliest = days[0] - timedelta(days=_BEFORE_DAYS)
    for as_of, status in zip(days, client.statuses, strict=True):
        if status < 1:
            first = None
            yield None
        else:
            first = first or earliest
            possible = (as_of - first).days + 1
            yield Arrear(dpd=min(30 * (status - 1) + 1, possible), first_overdue_on=first)
        earliest = as_of + timedelta(days=1)


def cut_short(client: Client, days: list[date]) -> int:
    """Count the reports that say less than the file does."""
    told = (0 if late is None else (late.dpd + 29) // 30 for late in arrears(client, days))
    wanted = (max(0, min(7, status)) for status in client.statuses)
    return sum(min(7, bucket) != want for bucket, want in zip(told, wanted, strict=True))


def rows(client: Client, days: list[date], grant: str, now: int) -> Iterator[dict[str, object]]:
    """Yield the client's row of each report, without its identifiers."""
    for as_of, bill, late in zip(days, client.bills, arrears(client, days), strict=True):
        yield {
            "op": "PUT",
            "account_ref": f"card-{client.number}",
            "role": "borrower",
            "product": "credit_card",
            "as_of": as_of.isoformat(),
            "opened_on": (days[0] - timedelta(days=_AGE_DAYS)).isoformat(),
            "currency": "CNY",
            "principal_minor": client.limit * _MINOR,
            "grant": grant,
            **_state(as_of, max(1 if late else 0, bill) * _MINOR, late, now),
        }


def _state(as_of: date, balance_minor: int, late: Arrear | None, now: int) -> dict[str, object]:
    if late is None:
        return {"status": "CURRENT", "dpd": 0, "overdue_minor": 0, "balance_minor": balance_minor}
    return {
        "status": "OVERDUE",
        "dpd": late.dpd,
        "oldest_unpaid_due_on": (as_of - timedelta(days=late.dpd)).isoformat(),
        "first_overdue_on": late.first_overdue_on.isoformat(),
        "balance_minor": balance_minor,
        "overdue_minor": balance_minor,  # the file does not tell which part of the bill is due
        "notice": {
            "sent_at": now - _DAY_SECONDS,
            "channel": "SMS",
            "template": "ntc_sandbox_pre_listing:1.0.0",
            "delivery": "DELIVERED",
        },
    }
