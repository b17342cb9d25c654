"""What the block about files and rows looks at: what stayed, and what was told."""

from __future__ import annotations

import hashlib

from werkzeug.test import TestResponse

from exchange_client.core.encoding import loads_object, unb64url
from exchange_client.core.ids import new_id
from tests.support.batches import dumps, header_fields, trailer_fields
from tests.support.grant_desk import refusal
from tests.support.record_desk import RecordDesk

TABLES = ("record", "account", "leaf", "opening", "subject_counter", "inquiry")


def counts(desk: RecordDesk) -> dict[str, object]:
    """Count what must not grow."""
    # The tables are constants of this module.
    rows = {table: desk.sql(f"SELECT count(*) FROM {table}")[0][0] for table in TABLES}
    rows["batch"] = desk.sql("SELECT count(*) FROM batch WHERE state <> 'REJECTED'")[0][0]
    return rows


def framed(desk: RecordDesk, body: bytes, rows: int = 1) -> bytes:
    """Put exact row bytes between a right header and a trailer that fits them."""
    header = header_fields(
        batch_id=new_id("bat"),
        member=desk.member,
        as_of_from=desk.day(60),
        as_of_to=desk.day(0),
    )
    totals = trailer_fields([], [])
    trailer = totals | {"rows": rows, "rows_sha256": hashlib.sha256(body).hexdigest()}
    return dumps(header) + b"\n" + body + dumps(trailer) + b"\n"


def fault_of(response: TestResponse) -> tuple[int, str, str, str]:
    """Return status, code, and the first fault's pointer and code."""
    fault = response.get_json()["errors"][0]
    return *refusal(response)[:2], fault["pointer"], fault["code"]


def neutral(response: TestResponse) -> dict[str, object]:
    """Leave out of a reply what is random or the clock's; keep every length."""
    reply = dict(response.get_json())
    reply["length"] = len(response.data)
    if "receipt" in reply:
        claims = loads_object(unb64url(str(reply.pop("receipt")).split(".")[1]))
        reply["claims"] = {n: v for n, v in claims.items() if n not in {"iat", "leaf", "digest"}}
    return {name: value for name, value in reply.items() if name not in {"request_id", "leaf"}}
