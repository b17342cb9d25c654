"""Record files for the ingest's figures: rows that differ, each with a grant of its own."""

from __future__ import annotations

import hashlib
import json
import os
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from exchange.domain.batches.csv_cells import COLUMNS
from exchange.domain.ids import show
from exchange_client.core.encoding import b64url
from exchange_client.core.ids import new_id

PROFILE = "cn@1"
_DAYS_LATE = (0, 0, 0, 0, 0, 0, 5, 33, 64, 121)  # of every ten accounts, four are late


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """A member's book: one account of each subject."""

    member: str
    subjects: list[bytes]  # tokens
    grants: list[UUID]
    today: date
    refs: str = "acc"  # what its account numbers begin with


def file_of(
    book: Book, *, as_csv: bool = False, sequence: int = 1, ago: int = 0, dry_run: bool = False
) -> bytes:
    """Write the whole book as one file.

    Args:
        ago: how many days ago it is told as of.
    """
    as_of = book.today - timedelta(days=ago)
    made = random.Random(7)  # noqa: S311 - sizes and days, no secrets
    lines, statuses, balance, late = [], {"CURRENT": 0, "OVERDUE": 0}, 0, 0
    for row in _rows(book, as_of, made):
        lines.append((_cells(row) if as_csv else json.dumps(row, separators=(",", ":"))) + "\n")
        statuses[str(row["status"])] += 1
        balance += int(str(row["balance_minor"]))
        late += int(str(row["overdue_minor"]))
    body = "".join(lines).encode()
    trailer = {
        "rows": len(lines),
        "rows_by_status": statuses,
        "sums": {"CNY": {"balance_minor": balance, "overdue_minor": late}},
        "rows_sha256": hashlib.sha256(body).hexdigest(),
    }
    header = {
        "format": "cx-batch/1",
        "batch_id": new_id("bat"),
        "member": book.member,
        "epoch": "ep_1",
        "norm": "norm_v1",
        "profile": PROFILE,
        "kind": "DELTA",
        "mode": "ACCEPT_PARTIAL",
        "dry_run": dry_run,
        "sequence": sequence,
        "as_of_from": as_of.isoformat(),
        "as_of_to": as_of.isoformat(),
        "created": int(time.time()),
    }
    first, last = (json.dumps(one, separators=(",", ":")) for one in (header, trailer))
    if as_csv:
        names = ",".join(COLUMNS)
        return f"#cx-batch {first}\n{names}\n".encode() + body + f"#cx-end {last}\n".encode()
    return f"{first}\n".encode() + body + f"{last}\n".encode()


def new_subjects(count: int) -> list[bytes]:
    """Return tokens of subjects that nobody blinded: 64 random bytes each."""
    return [os.urandom(64) for _ in range(count)]


def _rows(book: Book, as_of: date, made: random.Random) -> Iterator[dict[str, object]]:
    notice = {
        "sent_at": (book.today - date(1970, 1, 1)).days * 86_400 - 86_400,  # told alike all day
        "channel": "SMS",
        "template": "ntc_sandbox_pre_listing:1.0.0",
        "delivery": "SENT",
    }
    for number, (token, grant) in enumerate(zip(book.subjects, book.grants, strict=True)):
        days = _DAYS_LATE[number % len(_DAYS_LATE)]
        principal = made.randrange(100_000, 5_000_000)
        row: dict[str, object] = {
            "op": "PUT",
            "account_ref": f"{book.refs}-{number:08d}",
            "tokens": [{"kind": "identity", "value": b64url(token)}],
            "role": "borrower",
            "product": "cash_loan",
            "as_of": as_of.isoformat(),
            "opened_on": (as_of - timedelta(days=400)).isoformat(),
            "currency": "CNY",
            "principal_minor": principal,
            "balance_minor": principal // 2,
            "overdue_minor": made.randrange(100, principal // 4) if days else 0,
            "dpd": days,
            "status": "OVERDUE" if days else "CURRENT",
            "grant": show("gnt", grant),
        }
        if days:
            row |= {
                "oldest_unpaid_due_on": (as_of - timedelta(days=days)).isoformat(),
                "first_overdue_on": (as_of - timedelta(days=days - 1)).isoformat(),
                "five_class": 2 if days <= 90 else 3,
                "notice": notice,
            }
        yield row


def _cells(row: dict[str, object]) -> str:
    tokens = row["tokens"]
    flat = {**row, "id_token_1": tokens[0]["value"] if isinstance(tokens, list) else ""}
    if "notice" in row:
        text = json.dumps(row["notice"], separators=(",", ":")).replace('"', '""')
        flat["notice"] = f'"{text}"'
    return ",".join(str(flat.get(name, "")) for name in COLUMNS)
