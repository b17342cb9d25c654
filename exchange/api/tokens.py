"""Tokens: evaluate blinded elements. The exchange learns neither identifier nor token here."""

from __future__ import annotations

from typing import cast

from flask import Response
from marshmallow import fields, validate

from exchange.api.edge.blueprints import Routes, answer
from exchange.api.edge.fields import StrictSchema, Text
from exchange.api.edge.guard import current_caller
from exchange.api.edge.transport import Body, RoutePolicy
from exchange.domain.base64url import b64url, unb64url
from exchange.domain.members import Role
from exchange.errors import TooLarge
from exchange.services.evaluate_tokens import evaluate_tokens
from exchange.services.ports import Ports


class EvaluationSchema(StrictSchema):
    """Blinded elements of one epoch."""

    epoch = Text(pattern=r"ep_[1-9][0-9]{0,5}")
    # An element's own faults are the evaluator's to name: it points at each.
    elements = fields.List(
        fields.String(metadata={"description": "32 bytes, base64url"}),
        required=True,
        validate=validate.Length(min=1),
    )


class EvaluatedSchema(StrictSchema):
    """Evaluated elements in the same order, and one proof for all."""

    epoch = fields.String(required=True)
    elements = fields.List(fields.String(), required=True)
    proof = fields.String(required=True, metadata={"description": "64 bytes, base64url"})


# A regulator evaluates as well: it opens a person by their token, released by a second approver.
_ROLES = frozenset({Role.ASKER, Role.CONTRIBUTOR, Role.REGULATOR})


def token_routes(ports: Ports, *, elements_max: int) -> Routes:
    """Build the route of token evaluations."""
    routes = Routes("tokens", description="Blinded elements in, evaluated elements and proof out.")

    @routes.signed(
        "POST",
        "/v1/tokens",
        policy=RoutePolicy(roles=_ROLES, body=Body.JSON),
    )
    @routes.answers(200, EvaluatedSchema)
    @routes.body(EvaluationSchema)
    def evaluate(body: dict[str, object]) -> Response:
        """Evaluate 1 to 500 blinded elements under one proof."""
        texts = cast("list[str]", body["elements"])
        if len(texts) > elements_max:
            raise TooLarge(f"at most {elements_max} elements", field="elements")
        epoch = cast("str", body["epoch"])
        evaluation = evaluate_tokens(
            current_caller().member, epoch, [_element(text) for text in texts], ports
        )
        return answer(
            {
                "epoch": epoch,
                "elements": [b64url(element) for element in evaluation.elements],
                "proof": b64url(evaluation.proof),
            }
        )

    return routes


def _element(text: str) -> bytes:
    """Read an element; what is no base64url is no element, and is named with its place later."""
    try:
        return unb64url(text)
    except ValueError:
        return b""
