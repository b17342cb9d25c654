"""Disbursements: say that a loan was paid out, and by which look it was decided."""

from __future__ import annotations

import hashlib
from typing import cast

from flask import Response
from marshmallow import fields

from exchange.api.edge.blueprints import Routes, answer
from exchange.api.edge.fields import ByteText, StrictSchema, Text, WholeNumber
from exchange.api.edge.guard import current_caller
from exchange.api.edge.transport import Body, RoutePolicy
from exchange.domain.ids import parse
from exchange.domain.members import Role
from exchange.services.disbursements.report_disbursement import (
    Disbursement,
    report_disbursement,
)
from exchange.services.ports import Ports

_SECONDS_MAX = 4_102_444_800  # the year 2100


class DisbursementSchema(StrictSchema):
    """One loan that was paid out. The query is the one it was decided by, if any was asked."""

    disbursement_id = Text(pattern=r"dsb_[0-9a-f]{32}")
    epoch = Text(pattern=r"ep_[1-9][0-9]{0,5}")
    token = ByteText(length=64)
    account_ref = Text(pattern=r"[A-Za-z0-9._:-]{1,64}")
    paid_at = WholeNumber(minimum=0, maximum=_SECONDS_MAX)
    query_id = Text(pattern=r"qry_[0-9a-f]{32}", required=False)


class ReportedSchema(StrictSchema):
    """The receipt."""

    receipt = fields.String(
        required=True, metadata={"description": "compact JWS, typ cx-batch+jwt"}
    )


def disbursement_routes(ports: Ports) -> Routes:
    """Build the route of disbursements."""
    routes = Routes("disbursements", description="Evidence that a loan was checked before it left.")

    @routes.signed(
        "POST",
        "/v1/disbursements",
        policy=RoutePolicy(roles=frozenset({Role.ASKER}), body=Body.JSON),
    )
    @routes.answers(200, ReportedSchema)
    @routes.body(DisbursementSchema)
    def report(body: dict[str, object]) -> Response:
        """Report one loan that was paid out."""
        caller = current_caller()
        told = _read(body, hashlib.sha256(caller.body).digest())
        reported = report_disbursement(told, caller.asker, ports)
        response = answer({"receipt": reported.receipt})
        response.headers.extend({"Cx-Replayed": "true"} if reported.replayed else {})
        return response

    return routes


def _read(body: dict[str, object], digest: bytes) -> Disbursement:
    query_id = cast("str | None", body.get("query_id"))
    return Disbursement(
        disbursement_id=parse("dsb", cast("str", body["disbursement_id"]), field="disbursement_id"),
        epoch=cast("str", body["epoch"]),
        token=cast("bytes", body["token"]),
        account_ref=cast("str", body["account_ref"]),
        paid_at=cast("int", body["paid_at"]),
        query_id=parse("qry", query_id, field="query_id") if query_id else None,
        digest=digest,
    )
