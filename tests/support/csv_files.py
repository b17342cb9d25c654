"""CSV files for tests, written apart from the reader of the exchange, by the standard library."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Mapping, Sequence

from tests.support.batches import dumps, trailer_fields

COLUMNS = (
    "op,account_ref,id_token_1,id_token_2,id_token_3,contact_token,role,product,as_of,opened_on,"
    "closed_on,oldest_unpaid_due_on,first_overdue_on,currency,principal_minor,balance_minor,"
    "overdue_minor,dpd,bucket,status,status_on,five_class,history,pauses,grant,basis,notice,"
    "reason,previous_ref,transfer_id"
)


def csv_line(row: Mapping[str, object]) -> bytes:
    """Write one row as a line, without its end."""
    flat = dict(row)
    tokens = flat.pop("tokens", [])
    assert isinstance(tokens, list)
    identities = [one["value"] for one in tokens if one["kind"] == "identity"]
    flat |= {f"id_token_{n}": value for n, value in enumerate(identities, 1)}
    contacts = [one["value"] for one in tokens if one["kind"] == "contact"]
    flat["contact_token"] = contacts[0] if contacts else None
    cells = [_cell(flat.get(name)) for name in COLUMNS.split(",")]
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(cells)
    return text.getvalue().encode()


def csv_file(rows: Sequence[dict[str, object]], header: Mapping[str, object]) -> bytes:
    """Write a whole file."""
    return framed_csv([csv_line(row) for row in rows], rows, header)


def framed_csv(
    lines: Sequence[bytes], rows: Sequence[dict[str, object]], header: Mapping[str, object]
) -> bytes:
    """Put exact lines between a right header and a trailer that fits these rows."""
    body = b"".join(line + b"\n" for line in lines)
    totals = trailer_fields(rows, lines) | {
        "rows": len(lines),
        "rows_sha256": hashlib.sha256(body).hexdigest(),
    }
    first = b"#cx-batch " + dumps(dict(header)) + b"\n" + COLUMNS.encode() + b"\n"
    return first + body + b"#cx-end " + dumps(totals) + b"\n"


def _cell(value: object) -> str:
    if value is None:
        return ""
    return json.dumps(value) if isinstance(value, dict | list) else str(value)
