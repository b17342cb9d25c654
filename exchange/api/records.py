"""Records sent alone: report one account, or withdraw what was said of it."""

from __future__ import annotations

from flask import Response, request
from marshmallow import fields, validate

from exchange.api.edge.blueprints import Routes, answer
from exchange.api.edge.fields import StrictSchema
from exchange.api.edge.guard import current_caller
from exchange.api.edge.transport import JSON_TYPE, Body, RoutePolicy
from exchange.domain.members import Role
from exchange.domain.records import (
    AMOUNT_MINOR_MAX,
    DELETED,
    DPD_MAX,
    HISTORY_MONTHS_MAX,
    Product,
    Status,
    SubjectRole,
)
from exchange.domain.rows import DeleteReason, Reason
from exchange.domain.strict_json import loads
from exchange.errors import InvalidField
from exchange.services.ports import Ports
from exchange.services.records.put_record import delete_record, put_record
from exchange.services.records.take_row import Put

_CONTRIBUTORS = frozenset({Role.CONTRIBUTOR})
_ONE_OF = validate.OneOf
_AMOUNT = validate.Range(min=0, max=AMOUNT_MINOR_MAX)


class RowTokenSchema(StrictSchema):
    """A token of the subject."""

    kind = fields.String(required=True, validate=_ONE_OF(["identity", "contact"]))
    value = fields.String(required=True, metadata={"description": "base64url of 64 bytes"})


class PauseSchema(StrictSchema):
    """Days that do not count as past due: `from`, `to` and their cause."""

    from_ = fields.Date(required=True, data_key="from")
    to = fields.Date(required=True)
    cause = fields.String(required=True)


class NoticeSchema(StrictSchema):
    """How the borrower was told before the arrear was listed."""

    sent_at = fields.Integer(required=True, metadata={"description": "unix seconds"})
    channel = fields.String(required=True)
    template = fields.String(required=True)
    delivery = fields.String(required=True)
    ground = fields.String(allow_none=True)


class RowSchema(StrictSchema):
    """One statement about one account on one day. It documents; the rules of rows read it."""

    op = fields.String(required=True, validate=_ONE_OF(["PUT", "DELETE"]))
    account_ref = fields.String(required=True)
    tokens = fields.List(fields.Nested(RowTokenSchema), required=True)
    role = fields.String(required=True, validate=_ONE_OF([one.value for one in SubjectRole]))
    product = fields.String(required=True, validate=_ONE_OF([one.value for one in Product]))
    as_of = fields.Date(required=True)
    opened_on = fields.Date(required=True)
    closed_on = fields.Date(allow_none=True)
    oldest_unpaid_due_on = fields.Date(allow_none=True)
    first_overdue_on = fields.Date(allow_none=True)
    currency = fields.String(required=True, metadata={"description": "ISO 4217"})
    principal_minor = fields.Integer(required=True, validate=_AMOUNT)
    balance_minor = fields.Integer(required=True, validate=_AMOUNT)
    overdue_minor = fields.Integer(required=True, validate=_AMOUNT)
    dpd = fields.Integer(required=True, validate=validate.Range(min=0, max=DPD_MAX))
    bucket = fields.Integer(metadata={"description": "derived; a differing value is refused"})
    status = fields.String(
        required=True, validate=_ONE_OF([one.value for one in Status if one not in DELETED])
    )
    status_on = fields.Date(allow_none=True)
    five_class = fields.Integer(allow_none=True, validate=validate.Range(min=1, max=5))
    history = fields.String(validate=validate.Length(1, HISTORY_MONTHS_MAX))
    pauses = fields.List(fields.Nested(PauseSchema), validate=validate.Length(max=12))
    grant = fields.String()
    basis = fields.String()
    notice = fields.Nested(NoticeSchema, allow_none=True)
    reason = fields.String(allow_none=True, validate=_ONE_OF([one.value for one in Reason]))
    previous_ref = fields.String(allow_none=True)
    transfer_id = fields.String(allow_none=True)


class RecordSchema(RowSchema):
    """A row sent alone, with what a file says in its header."""

    epoch = fields.String(required=True)
    profile = fields.String(required=True, metadata={"description": "such as cn@1"})


class WarningSchema(StrictSchema):
    """Something unlikely about a row that was taken."""

    field = fields.String(required=True)
    code = fields.String(required=True)


class PutSchema(StrictSchema):
    """What became of a record, signed."""

    account_ref = fields.String(required=True)
    event = fields.String(required=True, metadata={"description": "unchanged: nothing was logged"})
    leaf = fields.String(required=True, allow_none=True)
    receipt = fields.String(
        required=True, metadata={"description": "compact JWS, typ cx-batch+jwt"}
    )
    warnings = fields.List(fields.Nested(WarningSchema), required=True)


def record_routes(ports: Ports) -> Routes:
    """Build the routes of records."""
    routes = Routes("records", description="One account at a time, by the rules of a file.")

    @routes.signed(
        "PUT",
        "/v1/records/<account_ref>",
        policy=RoutePolicy(roles=_CONTRIBUTORS, body=Body.JSON),
    )
    @routes.answers(200, PutSchema)
    @routes.raw(RecordSchema, media=JSON_TYPE)
    def put(account_ref: str) -> Response:
        """Report one account."""
        caller = current_caller()
        loads(caller.body)  # Refuses what no JSON body may be; the rules of rows read it again.
        return _answered(account_ref, put_record(account_ref, caller.body, caller.asker, ports))

    @routes.signed("DELETE", "/v1/records/<account_ref>", policy=RoutePolicy(roles=_CONTRIBUTORS))
    @routes.answers(200, PutSchema)
    def delete(account_ref: str) -> Response:
        """Withdraw everything said about one account: it was never true, or it was fraud."""
        reason = _reason(request.args.to_dict(flat=False))
        return _answered(
            account_ref, delete_record(account_ref, reason, current_caller().asker, ports)
        )

    return routes


def _reason(arguments: dict[str, list[str]]) -> DeleteReason:
    given = arguments.get("reason", [])
    if set(arguments) != {"reason"} or len(given) != 1 or given[0] not in set(DeleteReason):
        raise InvalidField("must be DELETE_ERROR or DELETE_FRAUD, once", field="reason")
    return DeleteReason(given[0])


def _answered(account_ref: str, put: Put) -> Response:
    return answer(
        {
            "account_ref": account_ref,
            "event": put.event,
            "leaf": put.leaf,
            "receipt": put.receipt,
            "warnings": [{"field": flaw.field, "code": flaw.code} for flaw in put.warnings],
        }
    )
