"""Carry a dispute on: answer, close, add facts, open again."""

from __future__ import annotations

import hashlib
import json
from typing import cast

from flask import Response
from marshmallow import fields, validate

from exchange.api.disputes.showing import WORDS, DisputeSchema, shown
from exchange.api.edge.blueprints import Routes
from exchange.api.edge.fields import Flag, StrictSchema, Text
from exchange.api.edge.guard import current_caller
from exchange.api.edge.transport import Body, RoutePolicy
from exchange.domain.ids import parse
from exchange.domain.life.disputes import (
    ANSWERS,
    TEXT_CHARACTERS_MAX,
    Result,
)
from exchange.domain.members import Role
from exchange.services.disputes.answer_dispute import DisputeAnswer, answer_dispute
from exchange.services.disputes.change_dispute import add_facts, close_dispute, reopen_dispute
from exchange.services.disputes.voices import of_member
from exchange.services.ports import Ports

_CONTRIBUTORS = frozenset({Role.CONTRIBUTOR})
_TEXT = rf"[\s\S]{{1,{TEXT_CHARACTERS_MAX}}}"


class AnswerSchema(StrictSchema):
    """What the member found; MODIFIED comes with its amended row."""

    result = fields.String(required=True, validate=validate.OneOf(sorted(ANSWERS)))
    text = Text(pattern=_TEXT)
    row = fields.Dict(
        keys=fields.String(),
        required=False,
        metadata={"description": "as PUT /v1/records takes it, with reason AMEND"},
    )


class ClosingSchema(StrictSchema):
    """Whether the borrower agrees to the answer."""

    agreed = Flag(required=True)


class FactsSchema(StrictSchema):
    """What the borrower found out since."""

    text = Text(pattern=_TEXT)


def dispute_step_routes(ports: Ports) -> Routes:
    """Build the routes that carry a dispute on."""
    routes = Routes("dispute-steps", description="The answer to a dispute, and what follows.")
    writes = RoutePolicy(roles=_CONTRIBUTORS, body=Body.JSON)

    @routes.signed("POST", "/v1/disputes/<dispute_id>/answer", policy=writes)
    @routes.answers(200, DisputeSchema)
    @routes.body(AnswerSchema, limits=WORDS)
    def reply(body: dict[str, object], dispute_id: str) -> Response:
        """Answer a dispute about one's own record, with its correction where there is one."""
        caller = current_caller()
        row = body.get("row")
        found = DisputeAnswer(
            result=Result(cast("str", body["result"])),
            text=cast("str", body["text"]),
            row=None if row is None else json.dumps(row).encode(),
            digest=hashlib.sha256(caller.body).digest(),
        )
        wanted = parse("dsp", dispute_id, field="dispute_id")
        return shown(answer_dispute(wanted, found, caller.asker, ports))

    @routes.signed("POST", "/v1/disputes/<dispute_id>/close", policy=writes)
    @routes.answers(200, DisputeSchema)
    @routes.body(ClosingSchema)
    def close(body: dict[str, object], dispute_id: str) -> Response:
        """Relay that the borrower does not agree, or that a correction settled it."""
        wanted = parse("dsp", dispute_id, field="dispute_id")
        voice, agreed = of_member(current_caller().asker), cast("bool", body["agreed"])
        return shown(close_dispute(wanted, voice, ports, agreed=agreed))

    @routes.signed("POST", "/v1/disputes/<dispute_id>/facts", policy=writes)
    @routes.answers(200, DisputeSchema)
    @routes.body(FactsSchema, limits=WORDS)
    def facts(body: dict[str, object], dispute_id: str) -> Response:
        """Relay new facts to an open dispute."""
        wanted = parse("dsp", dispute_id, field="dispute_id")
        voice = of_member(current_caller().asker)
        return shown(add_facts(wanted, cast("str", body["text"]), voice, ports))

    @routes.signed("POST", "/v1/disputes/<dispute_id>/reopen", policy=writes)
    @routes.answers(200, DisputeSchema)
    @routes.body(FactsSchema, limits=WORDS)
    def reopen(body: dict[str, object], dispute_id: str) -> Response:
        """Relay that the borrower opens a closed dispute again."""
        wanted = parse("dsp", dispute_id, field="dispute_id")
        voice = of_member(current_caller().asker)
        return shown(reopen_dispute(wanted, cast("str", body["text"]), voice, ports))

    return routes
