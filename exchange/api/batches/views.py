"""How a file, its faults and its absent accounts are shown."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence

from flask import Response
from marshmallow import fields

from exchange.api.edge.blueprints import answer
from exchange.api.edge.fields import StrictSchema
from exchange.api.edge.transport import CSV_TYPE, LINES_TYPE
from exchange.domain.ids import show
from exchange.domain.rows import RULES, RowFault
from exchange.services.batches.ports import UNDER_WAY, BatchRow
from exchange.services.batches.show_batch import seconds_left
from exchange.services.batches.take_file import Taken
from exchange.services.ports import Ports


class RefusalSchema(StrictSchema):
    """Why a file was rejected."""

    code = fields.String(required=True)
    field = fields.String(required=True, metadata={"description": "empty where it is none"})
    detail = fields.String(required=True)


class BatchSchema(StrictSchema):
    """A file as it stands."""

    batch_id = fields.String(required=True)
    state = fields.String(required=True)
    kind = fields.String(required=True)
    sequence = fields.Integer(required=True)
    received_bytes = fields.Integer(required=True, metadata={"description": "as sent"})
    total_bytes = fields.Integer(required=True, metadata={"description": "as sent"})
    rows = fields.Integer(required=True, metadata={"description": "0 until they are counted"})
    rows_done = fields.Integer(required=True)
    faults = fields.Integer(required=True, metadata={"description": "rows that were refused"})
    seconds_left = fields.Integer(
        required=True, allow_none=True, metadata={"description": "a guess, where there can be one"}
    )
    received_at = fields.Integer(required=True, metadata={"description": "unix seconds"})
    receipt = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "compact JWS, typ cx-batch+jwt, once it is worked off"},
    )
    refusal = fields.Nested(RefusalSchema, required=True, allow_none=True)


class RowFaultSchema(StrictSchema):
    """One fault of one row; never a value."""

    line = fields.Integer(required=True, metadata={"description": "the header is line 1"})
    field = fields.String(required=True)
    code = fields.String(required=True)
    severity = fields.String(required=True, metadata={"description": "REJECT or WARN"})
    rule = fields.String(required=True, metadata={"description": "what the code asks of a row"})


class AbsentSchema(StrictSchema):
    """Open accounts that a FULL file did not mention; none of them was closed."""

    account_refs = fields.List(fields.String(), required=True)


def taken_answer(taken: Taken, ports: Ports) -> Response:
    """Answer with a file as an upload left it: 202 while it is under way."""
    status = 202 if taken.batch.state in UNDER_WAY else 200
    response = answer(shown(taken.batch, ports), status)
    if taken.replayed:
        response.headers["Cx-Replayed"] = "true"
    return response


def shown(batch: BatchRow, ports: Ports) -> Mapping[str, object]:
    """Show a file as it stands."""
    refusal = {
        "code": batch.refusal,
        "field": batch.refusal_field,
        "detail": batch.refusal_detail,
    }
    return {
        "batch_id": show("bat", batch.batch_id),
        "state": batch.state,
        "kind": batch.kind,
        "sequence": batch.sequence,
        "received_bytes": batch.received_bytes,
        "total_bytes": batch.total_bytes,
        "rows": batch.rows,
        "rows_done": batch.rows_done,
        "faults": batch.faults,
        "seconds_left": seconds_left(batch, ports.now()),
        "received_at": batch.received_at,
        "receipt": batch.receipt or None,
        "refusal": refusal if batch.refusal else None,
    }


def as_lines(faults: Sequence[RowFault]) -> Response:
    """Answer with a line for each fault."""
    each = (fault._asdict() | {"rule": RULES[fault.code]} for fault in faults)
    lines = (json.dumps(one, separators=(",", ":")) + "\n" for one in each)
    return Response("".join(lines), content_type=LINES_TYPE)


def as_csv(faults: Sequence[RowFault]) -> Response:
    """Write faults for a spreadsheet; names, codes and rules of ours hold nothing it runs."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow((*RowFault._fields, "rule"))
    writer.writerows((*one[:3], one.severity.value, RULES[one.code]) for one in faults)
    return Response(text.getvalue(), content_type=CSV_TYPE)
