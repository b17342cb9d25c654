"""How a grant and its history are shown."""

from __future__ import annotations

from flask import Response
from marshmallow import fields

from exchange.api.edge.blueprints import answer
from exchange.api.edge.fields import StrictSchema
from exchange.domain.base64url import b64url
from exchange.domain.ids import show
from exchange.domain.members import Role
from exchange.services.grants.ports import GrantEventRow
from exchange.services.grants.show_grant import Standing

LENDERS = frozenset({Role.ASKER, Role.CONTRIBUTOR})
EVERYONE: frozenset[Role] = frozenset()


class StatusPlaceSchema(StrictSchema):
    """Where a grant stands in the signed status lists: `GET /v1/status-lists/{list}`."""

    list = fields.Integer(required=True)
    idx = fields.Integer(required=True)


class GrantSchema(StrictSchema):
    """A grant and where it stands."""

    grant_id = fields.String(required=True)
    purpose = fields.String(required=True)
    state = fields.String(required=True)
    level = fields.Integer(required=True)
    not_before = fields.Integer(required=True)
    expires = fields.Integer(required=True)
    uses = fields.Integer(required=True)
    max_uses = fields.Integer(allow_none=True)
    window_start = fields.Integer(
        required=True, metadata={"description": "first use of the running window"}
    )
    window_uses = fields.Integer(required=True)
    epoch = fields.String(required=True)
    chain_id = fields.String(
        required=True, metadata={"description": "the first grant of the chain that it renews"}
    )
    policy = fields.String(required=True)
    registered_at = fields.Integer(required=True)
    leaf = fields.String(required=True, metadata={"description": "leaf hash of the registration"})
    status_list = fields.Nested(StatusPlaceSchema, required=True, allow_none=True)


class OrderedGrantSchema(GrantSchema):
    """A grant after an order, and what it carried where it was found never valid."""

    answers = fields.List(
        fields.String(), required=True, metadata={"description": "leaf hashes, newest last"}
    )


class EventSchema(StrictSchema):
    """One step of a grant's history."""

    event = fields.String(required=True)
    actor = fields.String(required=True)
    state = fields.String(required=True, metadata={"description": "after the event"})
    reason = fields.String(required=True)
    acted_at = fields.Integer(required=True, metadata={"description": "when they said so"})
    effective_at = fields.Integer(required=True)
    leaf = fields.String(required=True)


class EventsSchema(StrictSchema):
    """The history of a grant, oldest first."""

    events = fields.List(fields.Nested(EventSchema), required=True)


def shown(standing: Standing) -> Response:
    """Return a grant as it stands now."""
    return _answered(standing, _grant(standing))


def shown_with_answers(standing: Standing) -> Response:
    """Return a grant after an order, and the answers that it carried."""
    answers = [b64url(leaf_hash) for leaf_hash in standing.answers]
    return _answered(standing, {**_grant(standing), "answers": answers})


def _grant(standing: Standing) -> dict[str, object]:
    grant, held = standing.grant, standing.grant.held
    return {
        "grant_id": show("gnt", grant.grant_id),
        "purpose": str(held.purpose),
        "state": standing.state.value,
        "level": held.level,
        "not_before": held.not_before,
        "expires": held.expires,
        "uses": held.uses,
        "max_uses": held.max_uses,
        "window_start": held.window_start,
        "window_uses": held.window_uses,
        "epoch": grant.epoch,
        "chain_id": show("gnt", grant.chain_id),
        "policy": grant.policy,
        "registered_at": grant.registered_at,
        "leaf": b64url(grant.leaf_hash),
        "status_list": (
            {"list": grant.place.list_id, "idx": grant.place.idx} if grant.place else None
        ),
    }


def _answered(standing: Standing, content: dict[str, object]) -> Response:
    response = answer(content)
    if standing.replayed:
        response.headers["Cx-Replayed"] = "true"
    return response


def shown_event(event: GrantEventRow) -> dict[str, object]:
    """Return one step of the history."""
    return {
        "event": event.event,
        "actor": event.actor,
        "state": event.state,
        "reason": event.reason,
        "acted_at": event.acted_at,
        "effective_at": event.effective_at,
        "leaf": b64url(event.leaf_hash),
    }
