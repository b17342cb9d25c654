"""Statements of borrowers, relayed by the member whose record they speak of."""

from __future__ import annotations

import hashlib
from typing import cast

from flask import Response
from marshmallow import fields

from exchange.api.edge.blueprints import Routes, answer
from exchange.api.edge.fields import StrictSchema, Text
from exchange.api.edge.guard import current_caller
from exchange.api.edge.transport import Body, RoutePolicy
from exchange.domain.base64url import b64url
from exchange.domain.ids import parse, show
from exchange.domain.life.disputes import (
    STATEMENT_CHARACTERS_MAX,
)
from exchange.domain.members import Role
from exchange.services.disputes.make_statement import (
    MadeStatement,
    StatementText,
    make_statement,
)
from exchange.services.disputes.voices import of_member
from exchange.services.ports import Ports

_CONTRIBUTORS = frozenset({Role.CONTRIBUTOR})
_ACCOUNT_REF = r"[A-Za-z0-9_.:-]{1,64}"


class StatementSchema(StrictSchema):
    """The borrower's own word about an account, as the member relays it."""

    statement_id = Text(pattern=r"sta_[0-9a-f]{32}")
    account_ref = Text(pattern=_ACCOUNT_REF)
    text = Text(pattern=rf"[\s\S]{{1,{STATEMENT_CHARACTERS_MAX}}}")


class MadeStatementSchema(StrictSchema):
    """A statement as it was stored."""

    statement_id = fields.String(required=True)
    made_at = fields.Integer(required=True, metadata={"description": "unix seconds"})
    leaf = fields.String(required=True)


def statement_routes(ports: Ports) -> Routes:
    """Build the route of statements."""
    routes = Routes("statements", description="The borrower's own word.")
    writes = RoutePolicy(roles=_CONTRIBUTORS, body=Body.JSON)

    @routes.signed("POST", "/v1/statements", policy=writes)
    @routes.answers(200, MadeStatementSchema)
    @routes.body(StatementSchema)
    def state(body: dict[str, object]) -> Response:
        """Relay a statement of one's own borrower about one's own account."""
        caller = current_caller()
        said = StatementText(
            statement_id=parse("sta", cast("str", body["statement_id"]), field="statement_id"),
            account_ref=cast("str", body["account_ref"]),
            record_id=None,
            text=cast("str", body["text"]),
            digest=hashlib.sha256(caller.body).digest(),
        )
        return _stated(make_statement(said, of_member(caller.asker), ports))

    return routes


def _stated(made: MadeStatement) -> Response:
    response = answer(
        {
            "statement_id": show("sta", made.statement_id),
            "made_at": made.made_at,
            "leaf": b64url(made.leaf_hash),
        }
    )
    if made.replayed:
        response.headers["Cx-Replayed"] = "true"
    return response
