"""Month ends of a synthetic book for tests: few rows written out by hand, or many by a seed."""

from __future__ import annotations

import calendar
import random
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

from exchange_client.core.encoding import b64url
from tests.support.batches import BATCH_ID, dumps, file_of, header_fields
from tests.support.csv_files import csv_file
from tests.support.rows import clean_fields, row_fields

Fields = dict[str, object]
CLOSED = {"SETTLED", "GUARANTOR_PAID", "ASSET_SETTLED"}


def month_end(month: str) -> date:
    """Return the last day of `YYYY-MM`."""
    year, number = int(month[:4]), int(month[5:])
    return date(year, number, calendar.monthrange(year, number)[1])


def token(subject: int) -> str:
    """Return a token of the right form for a borrower."""
    return b64url(subject.to_bytes(64, "big"))


def loan(account: str, month: str, dpd: int = 0, **changes: object) -> Fields:
    """Return the row of an account at a month end, with everything that must fit its age."""
    as_of = month_end(month)
    if dpd:
        due = as_of - timedelta(days=dpd)
        late = {
            "oldest_unpaid_due_on": due.isoformat(),
            "first_overdue_on": (due + timedelta(days=1)).isoformat(),
            "dpd": dpd,
            "five_class": None,
        }
        fields = row_fields(**late)
    else:
        fields = clean_fields()
    status = str(changes.get("status", fields["status"]))
    if status in {"RESTRUCTURED", "LITIGATION", "CHARGED_OFF", "SOLD"} | CLOSED:
        changes = {"status_on": as_of.isoformat()} | changes
    if status in CLOSED | {"SOLD"}:
        changes = {"closed_on": as_of.isoformat()} | changes
    if status in CLOSED:
        changes = {"balance_minor": 0} | changes
    if status == "SOLD":
        changes = {"transfer_id": "019a0000-0000-7000-8000-000000000001"} | changes
    subject = changes.pop("subject", account)
    number = subject if isinstance(subject, int) else int.from_bytes(str(subject).encode(), "big")
    return fields | {
        "account_ref": account,
        "tokens": [{"kind": "identity", "value": token(number)}],
        "as_of": as_of.isoformat(),
        "opened_on": "2024-01-10",
        **changes,
    }


def write(path: Path, rows: Sequence[Mapping[str, object]], **header: object) -> Path:
    """Write a batch of these rows: CSV if its name ends so."""
    told = [{name: one for name, one in row.items()} for row in rows]
    days = sorted(str(row["as_of"]) for row in rows)
    first = header_fields(as_of_from=days[0], as_of_to=days[-1], batch_id=BATCH_ID, **header)
    path.write_bytes((csv_file if path.suffix == ".csv" else file_of)(told, first))
    return path


def write_own(path: Path, rows: Iterable[Mapping[str, object]]) -> Path:
    """Write the same as a member holds it before its tokens are made."""
    lines = []
    for row in rows:
        fields = {name: one for name, one in row.items() if name not in ("tokens", "grant")}
        subject = {"id_type": "passport", "country": "FR", "number": "L898902C3"}
        lines.append(dumps({**fields, "identifiers": [subject]}) + b"\n")
    path.write_bytes(b"".join(lines))
    return path


def series(folder: Path, months: Sequence[str], loans: int, seed: int = 7) -> list[Path]:
    """Write a file a month of a book whose loans go late and are cured by chance."""
    chance = random.Random(seed)  # noqa: S311 - a choice of cases
    ages = {f"acc-{number}": 0 for number in range(loans)}
    opened = {name: f"2025-{chance.randrange(1, 6):02}-10" for name in ages}
    sizes = {name: chance.randrange(10_000, 900_000) for name in ages}
    paths = []
    for month in months:
        days = month_end(month).day
        for name, age in ages.items():
            falls = chance.random() < (0.75 if age else 0.08)
            ages[name] = age + days if falls and age else chance.randrange(1, days) * falls
        rows = [
            loan(
                name,
                month,
                age,
                opened_on=opened[name],
                subject=int(name[4:]) // 2,
                product=("cash_loan", "bnpl", "instalment")[int(name[4:]) % 3],
                principal_minor=sizes[name],
                balance_minor=sizes[name],
                overdue_minor=sizes[name] // 10 if age else 0,
            )
            for name, age in ages.items()
        ]
        paths.append(write(folder / f"{month}.ndjson", rows))
    return paths
