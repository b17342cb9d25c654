"""How disputes are shown."""

from __future__ import annotations

from flask import Response
from marshmallow import fields

from exchange.api.edge.blueprints import answer
from exchange.api.edge.fields import StrictSchema
from exchange.domain.base64url import b64url
from exchange.domain.ids import show
from exchange.domain.life.disputes import TEXT_CHARACTERS_MAX
from exchange.domain.strict_json import JsonLimits
from exchange.services.disputes.show_disputes import (
    DisputeView,
    Said,
)

# A limit in characters: four bytes each, at most.
WORDS = JsonLimits(string_bytes=4 * TEXT_CHARACTERS_MAX)


class SaidSchema(StrictSchema):
    """One step of a dispute."""

    event = fields.String(required=True)
    actor = fields.String(required=True)
    result = fields.String(required=True, allow_none=True)
    at = fields.Integer(required=True, metadata={"description": "unix seconds"})
    text = fields.String(required=True)
    leaf = fields.String(required=True)


class DisputeSchema(StrictSchema):
    """A dispute as it stands today."""

    dispute_id = fields.String(required=True)
    member = fields.String(required=True)
    account_ref = fields.String(required=True)
    cause = fields.String(required=True)
    state = fields.String(required=True)
    result = fields.String(required=True, allow_none=True)
    opened_by = fields.String(required=True)
    opened_at = fields.Integer(required=True, metadata={"description": "unix seconds"})
    due_on = fields.Date(required=True, metadata={"description": "last day to answer"})
    overdue = fields.Boolean(required=True)
    days_late = fields.Integer(required=True)
    reopened = fields.Integer(required=True, metadata={"description": "how often"})
    history = fields.List(fields.Nested(SaidSchema), required=True)


def shown(view: DisputeView) -> Response:
    """Answer with one dispute; say whether the request came before."""
    response = answer(members_of(view))
    if view.replayed:
        response.headers["Cx-Replayed"] = "true"
    return response


def members_of(view: DisputeView) -> dict[str, object]:
    """Return a dispute as the members of a JSON object."""
    dispute = view.dispute
    return {
        "dispute_id": show("dsp", dispute.dispute_id),
        "member": dispute.member,
        "account_ref": dispute.account_ref,
        "cause": dispute.cause.value,
        "state": dispute.state.value,
        "result": dispute.result.value if dispute.result else None,
        "opened_by": dispute.opened_by,
        "opened_at": dispute.opened_at,
        "due_on": dispute.due_on.isoformat(),
        "overdue": view.overdue,
        "days_late": view.days_late,
        "reopened": dispute.reopened,
        "history": [_said(one) for one in view.history],
    }


def _said(one: Said) -> dict[str, object]:
    return {
        "event": one.event,
        "actor": one.actor,
        "result": one.result.value if one.result else None,
        "at": one.at,
        "text": one.text,
        "leaf": b64url(one.leaf_hash),
    }
