"""Record files: send one, look at what became of it, fetch the faults of its rows."""

from __future__ import annotations

import json

from flask import Response
from marshmallow import fields

from exchange.api.edge.blueprints import Routes, answer
from exchange.api.edge.fields import StrictSchema
from exchange.api.edge.guard import current_caller
from exchange.api.edge.transport import LINES_TYPE, Body, RoutePolicy
from exchange.api.records import RowSchema
from exchange.domain.ids import parse, show
from exchange.domain.members import Role
from exchange.services.ports import Ports
from exchange.services.records.show_batch import batch_faults, find_batch
from exchange.services.records.upload_batch import upload_batch

_CONTRIBUTORS = frozenset({Role.CONTRIBUTOR})


class BatchReceiptSchema(StrictSchema):
    """What became of a file, signed."""

    batch_id = fields.String(required=True)
    receipt = fields.String(
        required=True, metadata={"description": "compact JWS, typ cx-batch+jwt"}
    )


class BatchSchema(StrictSchema):
    """A batch as it stands."""

    batch_id = fields.String(required=True)
    state = fields.String(required=True)
    kind = fields.String(required=True)
    sequence = fields.Integer(required=True)
    rows = fields.Integer(required=True)
    faults = fields.Integer(required=True, metadata={"description": "rows that were refused"})
    received_at = fields.Integer(required=True, metadata={"description": "unix seconds"})
    receipt = fields.String(required=True, allow_none=True)


class RowFaultSchema(StrictSchema):
    """One fault of one row; never a value."""

    line = fields.Integer(required=True, metadata={"description": "the header is line 1"})
    field = fields.String(required=True)
    code = fields.String(required=True)
    severity = fields.String(required=True)


def batch_routes(ports: Ports) -> Routes:
    """Build the routes of batches."""
    routes = Routes("batches", description="Record files, with control totals and row faults.")

    @routes.signed(
        "POST", "/v1/batches", policy=RoutePolicy(roles=_CONTRIBUTORS, body=Body.RECORD_LINES)
    )
    @routes.answers(200, BatchReceiptSchema)
    @routes.raw(RowSchema, media=LINES_TYPE)
    def upload() -> Response:
        """Take a file: header line, a line for each row, trailer line."""
        caller = current_caller()
        uploaded = upload_batch(caller.body, caller.asker, ports)
        response = answer({"batch_id": show("bat", uploaded.batch_id), "receipt": uploaded.receipt})
        if uploaded.replayed:
            response.headers["Cx-Replayed"] = "true"
        return response

    @routes.signed("GET", "/v1/batches/<batch_id>", policy=RoutePolicy(roles=_CONTRIBUTORS))
    @routes.answers(200, BatchSchema)
    def show_batch(batch_id: str) -> Response:
        """Show what became of a file."""
        wanted = parse("bat", batch_id, field="batch_id")
        batch = find_batch(wanted, current_caller().asker, ports)
        return answer(
            {
                "batch_id": show("bat", batch.batch_id),
                "state": batch.state,
                "kind": batch.kind,
                "sequence": batch.sequence,
                "rows": batch.rows,
                "faults": batch.faults,
                "received_at": batch.received_at,
                "receipt": batch.receipt or None,
            }
        )

    @routes.signed("GET", "/v1/batches/<batch_id>/faults", policy=RoutePolicy(roles=_CONTRIBUTORS))
    @routes.answers(200, RowFaultSchema, media=LINES_TYPE)
    def show_faults(batch_id: str) -> Response:
        """List what was wrong with the rows of a file, in the order of its lines."""
        wanted = parse("bat", batch_id, field="batch_id")
        faults = batch_faults(wanted, current_caller().asker, ports)
        lines = (json.dumps(fault._asdict(), separators=(",", ":")) + "\n" for fault in faults)
        return Response("".join(lines), content_type=LINES_TYPE)

    return routes
