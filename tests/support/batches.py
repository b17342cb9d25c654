"""Batch files for tests, built apart from the SDK: header, rows, trailer."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence

BATCH_ID = "bat_019a0000000070008000000000000001"


def header_fields(**changes: object) -> dict[str, object]:
    """Return the fields of a header, with changes."""
    return {
        "format": "cx-batch/1",
        "batch_id": BATCH_ID,
        "member": "member-a",
        "epoch": "ep_1",
        "norm": "norm_v1",
        "profile": "cn@1",
        "kind": "DELTA",
        "mode": "ACCEPT_PARTIAL",
        "dry_run": False,
        "sequence": 7,
        "as_of_from": "2026-01-01",
        "as_of_to": "2026-03-31",
        "created": 1_774_929_600,
        **changes,
    }


def trailer_fields(
    rows: Sequence[dict[str, object]], lines: Sequence[bytes], end: bytes = b"\n"
) -> dict[str, object]:
    """Return the control totals of these rows."""
    sums: dict[str, dict[str, int]] = {}
    for row in rows:
        if row.get("op") != "DELETE":
            of_currency = sums.setdefault(
                str(row["currency"]), {"balance_minor": 0, "overdue_minor": 0}
            )
            for name in of_currency:
                amount = row[name]
                of_currency[name] += amount if isinstance(amount, int) else 0
    statuses = (row["reason"] if row.get("op") == "DELETE" else row["status"] for row in rows)
    return {
        "rows": len(rows),
        "rows_by_status": Counter(str(status) for status in statuses),
        "sums": sums,
        "rows_sha256": hashlib.sha256(b"".join(line + end for line in lines)).hexdigest(),
    }


def dumps(fields: dict[str, object]) -> bytes:
    """Write one line, without its end."""
    return json.dumps(fields, separators=(",", ":")).encode()


def file_of(
    rows: Sequence[dict[str, object]],
    header: dict[str, object] | None = None,
    trailer: dict[str, object] | None = None,
    end: bytes = b"\n",
) -> bytes:
    """Write a whole file; `trailer` holds changes."""
    lines = [dumps(row) for row in rows]
    last = trailer_fields(rows, lines, end) | (trailer or {})
    every = [dumps(header or header_fields()), *lines, dumps(last)]
    return b"".join(line + end for line in every)
