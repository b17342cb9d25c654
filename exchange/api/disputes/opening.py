"""Open disputes for one's own borrowers, and look at them."""

from __future__ import annotations

import hashlib
from typing import cast

from flask import Response
from marshmallow import fields

from exchange.api.disputes.showing import WORDS, DisputeSchema, members_of, shown
from exchange.api.edge.blueprints import Routes, answer
from exchange.api.edge.fields import StrictSchema, Text
from exchange.api.edge.guard import current_caller
from exchange.api.edge.paging import Paging
from exchange.api.edge.transport import Body, RoutePolicy
from exchange.domain.ids import parse
from exchange.domain.life.disputes import (
    TEXT_CHARACTERS_MAX,
    Cause,
    DisputeState,
)
from exchange.domain.members import Role
from exchange.errors import InvalidField
from exchange.services.disputes.open_dispute import DisputeOpening, open_dispute
from exchange.services.disputes.show_disputes import (
    DisputeFilter,
    list_disputes,
    show_dispute,
)
from exchange.services.disputes.voices import of_member
from exchange.services.ports import Ports

_CONTRIBUTORS = frozenset({Role.CONTRIBUTOR})
_READERS = frozenset({Role.CONTRIBUTOR, Role.REGULATOR})
_TEXT = rf"[\s\S]{{1,{TEXT_CHARACTERS_MAX}}}"
_ACCOUNT_REF = r"[A-Za-z0-9_.:-]{1,64}"


class OpeningSchema(StrictSchema):
    """A dispute of one's own borrower about one's own account."""

    dispute_id = Text(pattern=r"dsp_[0-9a-f]{32}")
    account_ref = Text(pattern=_ACCOUNT_REF)
    cause = fields.Enum(Cause, by_value=True, required=True)
    text = Text(pattern=_TEXT)


class DisputesSchema(StrictSchema):
    """A page of disputes, without what was said in them."""

    disputes = fields.List(fields.Nested(DisputeSchema), required=True)
    has_more = fields.Boolean(required=True)
    next = fields.String(required=True, allow_none=True)


def dispute_routes(ports: Ports, paging: Paging) -> Routes:
    """Build the routes that open and show disputes."""
    routes = Routes("disputes", description="What borrowers say against a record.")
    reads = RoutePolicy(roles=_READERS)

    @routes.signed("POST", "/v1/disputes", policy=RoutePolicy(roles=_CONTRIBUTORS, body=Body.JSON))
    @routes.answers(200, DisputeSchema)
    @routes.body(OpeningSchema, limits=WORDS)
    def dispute(body: dict[str, object]) -> Response:
        """Open a dispute for a borrower of one's own."""
        caller = current_caller()
        opening = DisputeOpening(
            dispute_id=parse("dsp", cast("str", body["dispute_id"]), field="dispute_id"),
            account_ref=cast("str", body["account_ref"]),
            record_id=None,
            cause=cast("Cause", body["cause"]),
            text=cast("str", body["text"]),
            digest=hashlib.sha256(caller.body).digest(),
        )
        return shown(open_dispute(opening, of_member(caller.asker), ports))

    @routes.signed("GET", "/v1/disputes", policy=reads)
    @routes.takes(state="OPEN, ANSWERED, CLOSED or WITHDRAWN", overdue="true: overdue answers only")
    @routes.answers(200, DisputesSchema)
    def disputes() -> Response:
        """List disputes about one's own records; the regulator lists everybody's."""
        pager = paging.pager("disputes", "state", "overdue")
        chosen = DisputeFilter(
            state=_state(pager.filter.get("state")), overdue=_overdue(pager.filter.get("overdue"))
        )
        page = list_disputes(chosen, of_member(current_caller().asker), pager.ask, ports)
        return answer({"disputes": [members_of(row) for row in page.rows], **pager.tail(page)})

    @routes.signed("GET", "/v1/disputes/<dispute_id>", policy=reads)
    @routes.answers(200, DisputeSchema)
    def look(dispute_id: str) -> Response:
        """Show one dispute; what was said is for the two sides alone."""
        wanted = parse("dsp", dispute_id, field="dispute_id")
        return shown(show_dispute(wanted, of_member(current_caller().asker), ports))

    return routes


def _state(text: str | None) -> DisputeState | None:
    if text is not None and text not in set(DisputeState):
        raise InvalidField("must be OPEN, ANSWERED, CLOSED or WITHDRAWN", field="state")
    return DisputeState(text) if text else None


def _overdue(text: str | None) -> bool:
    if text not in (None, "true", "false"):
        raise InvalidField("must be true or false", field="overdue")
    return text == "true"
