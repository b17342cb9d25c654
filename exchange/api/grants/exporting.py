"""Grants in the forms of others: as a consent record, in ReBIT's shape, as a signed receipt."""

from __future__ import annotations

from uuid import UUID

from flask import Response, request
from marshmallow import fields

from exchange.api.edge.blueprints import Routes, answer
from exchange.api.edge.fields import StrictSchema
from exchange.api.edge.guard import current_caller
from exchange.api.edge.transport import JSON_TYPE, RoutePolicy
from exchange.api.grants.showing import LENDERS, shown
from exchange.domain.ids import parse
from exchange.errors import InvalidField
from exchange.services.borrower.export_grant import (
    export_rebit,
    export_receipt,
    export_record,
)
from exchange.services.grants.show_grant import show_grant
from exchange.services.ports import Ports

RECORD_TYPE = "application/ld+json"


class GrantReceiptSchema(StrictSchema):
    """The receipt that the borrower keeps."""

    receipt = fields.String(
        required=True, metadata={"description": "compact JWS, typ cx-grant-receipt+jwt"}
    )


def receipt_route(routes: Routes, ports: Ports) -> None:
    """Add the route of the borrower's receipt."""

    @routes.signed("GET", "/v1/grants/<grant_id>/receipt", policy=RoutePolicy(roles=LENDERS))
    @routes.answers(200, GrantReceiptSchema)
    def receipt(grant_id: str) -> Response:
        """Return the signed receipt of a grant of the caller, for its borrower."""
        wanted = parse("gnt", grant_id, field="grant_id")
        return answer({"receipt": export_receipt(wanted, current_caller().member, ports)})


def shown_as_asked(grant_id: UUID, ports: Ports) -> Response:
    """Return a grant of the caller in the form that the query names.

    Raises:
        InvalidField: no such form.
    """
    forms = {None: _own, "iso27560": _record, "rebit": _rebit}
    form = forms.get(request.args.get("format"))
    if form is None:
        raise InvalidField("must be iso27560 or rebit, or left out", field="format")
    return form(grant_id, ports)


def _own(grant_id: UUID, ports: Ports) -> Response:
    return shown(show_grant(grant_id, current_caller().asker, ports))


def _record(grant_id: UUID, ports: Ports) -> Response:
    content = export_record(grant_id, current_caller().member, ports)
    return Response(content, content_type=RECORD_TYPE)


def _rebit(grant_id: UUID, ports: Ports) -> Response:
    content, signature = export_rebit(grant_id, current_caller().member, ports)
    response = Response(content, content_type=JSON_TYPE)
    response.headers["X-Jws-Signature"] = signature
    return response
