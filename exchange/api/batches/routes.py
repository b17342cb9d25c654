"""Record files: send one whole or in parts, look how far it is, fetch what was wrong with it."""

from __future__ import annotations

from flask import Response, request

from exchange.api.batches.arguments import (
    ACCOUNT,
    LINE,
    LIST_MAX,
    batch_key,
    list_arguments,
    part_arguments,
)
from exchange.api.batches.views import (
    AbsentSchema,
    BatchSchema,
    RowFaultSchema,
    as_csv,
    as_lines,
    shown,
    taken_answer,
)
from exchange.api.edge.blueprints import Routes, answer
from exchange.api.edge.guard import current_caller
from exchange.api.edge.transport import LINES_TYPE, Body, RoutePolicy
from exchange.api.records import RowSchema
from exchange.domain.members import Role
from exchange.services.batches.show_batch import (
    batch_absent,
    batch_faults,
    find_batch,
)
from exchange.services.batches.take_file import take_file
from exchange.services.batches.take_part import take_part
from exchange.services.ports import Ports

_CONTRIBUTORS = frozenset({Role.CONTRIBUTOR})


def batch_routes(ports: Ports) -> Routes:
    """Build the routes of batches."""
    routes = Routes("batches", description="Record files, with control totals and row faults.")

    @routes.signed(
        "POST", "/v1/batches", policy=RoutePolicy(roles=_CONTRIBUTORS, body=Body.RECORD_FILE)
    )
    @routes.answers(200, BatchSchema)
    @routes.answers(202, BatchSchema)
    @routes.raw(RowSchema, media=LINES_TYPE)
    def upload() -> Response:
        """Take a file, or a part of one: header line, a line for each row, trailer line."""
        caller = current_caller()
        part = part_arguments(request.args.to_dict(flat=False), request.content_type, caller.body)
        taken = (
            take_part(part, caller.body, caller.asker, ports)
            if part
            else take_file(caller.body, caller.asker, ports)
        )
        return taken_answer(taken, ports)

    _look_routes(routes, ports)
    return routes


def _look_routes(routes: Routes, ports: Ports) -> None:
    @routes.signed("GET", "/v1/batches/<batch_id>", policy=RoutePolicy(roles=_CONTRIBUTORS))
    @routes.answers(200, BatchSchema)
    def show_batch(batch_id: str) -> Response:
        """Show how far a file is, and what became of it."""
        key = batch_key(batch_id, current_caller().asker)
        return answer(shown(find_batch(key, ports), ports))

    @routes.signed("GET", "/v1/batches/<batch_id>/faults", policy=RoutePolicy(roles=_CONTRIBUTORS))
    @routes.answers(200, RowFaultSchema, media=LINES_TYPE)
    def show_faults(batch_id: str) -> Response:
        """List what was wrong with the rows of a file, in the order of its lines.

        `after=LINE` goes on behind a line; an answer without a line is the end. `format=csv`.
        """
        key = batch_key(batch_id, current_caller().asker)
        after, wants_csv = list_arguments(request.args.to_dict(flat=False), LINE)
        faults = batch_faults(key, int(after or 0), LIST_MAX, ports)
        return as_csv(faults) if wants_csv else as_lines(faults)

    @routes.signed("GET", "/v1/batches/<batch_id>/absent", policy=RoutePolicy(roles=_CONTRIBUTORS))
    @routes.answers(200, AbsentSchema)
    def show_absent(batch_id: str) -> Response:
        """List open accounts that a FULL file did not mention, in the order of their references.

        `after=REF` goes on behind one; an answer without any is the end.
        """
        key = batch_key(batch_id, current_caller().asker)
        after, _ = list_arguments(request.args.to_dict(flat=False), ACCOUNT)
        return answer({"account_refs": batch_absent(key, after, LIST_MAX, ports)})
