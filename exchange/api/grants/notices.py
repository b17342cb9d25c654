"""Notices: the texts that borrowers are shown, and where each stands."""

from __future__ import annotations

from flask import Response
from marshmallow import fields

from exchange.api.edge.blueprints import Routes, answer
from exchange.api.edge.fields import StrictSchema
from exchange.api.edge.transport import JSON_TYPE, RoutePolicy
from exchange.domain.base64url import b64url, unb64url
from exchange.domain.members import Role
from exchange.errors import AbsentError
from exchange.services.notices.manage_notices import list_notices, notice_document, notice_state
from exchange.services.notices.ports import NoticeRow
from exchange.services.ports import Ports

_EVERYONE: frozenset[Role] = frozenset()


class RegisteredNoticeSchema(StrictSchema):
    """A notice of the registry; `sha256` names its text."""

    id = fields.String(required=True)
    version = fields.String(required=True)
    lang = fields.String(required=True)
    kind = fields.String(required=True)
    jurisdiction = fields.String(required=True)
    purpose = fields.String(required=True)
    sha256 = fields.String(required=True)
    state = fields.String(required=True, metadata={"description": "proposed, live or retired"})
    registered_at = fields.Integer(required=True)
    retired_at = fields.Integer(allow_none=True)


class RegisteredNoticesSchema(StrictSchema):
    """Every notice of the registry."""

    notices = fields.List(fields.Nested(RegisteredNoticeSchema), required=True)


def notice_routes(ports: Ports) -> Routes:
    """Build the routes of notices."""
    routes = Routes("notices", description="What borrowers are shown before they agree.")

    @routes.signed("GET", "/v1/notices", policy=RoutePolicy(roles=_EVERYONE))
    @routes.answers(200, RegisteredNoticesSchema)
    def notices() -> Response:
        """List the notices; an artefact names a live one."""
        now = ports.now()
        return answer({"notices": [_shown(row, now) for row in list_notices(ports)]})

    @routes.signed("GET", "/v1/notices/<sha256>", policy=RoutePolicy(roles=_EVERYONE))
    @routes.answers(200)
    def text(sha256: str) -> Response:
        """Return the text of a notice, byte for byte, by its digest."""
        return Response(notice_document(_digest(sha256), ports), content_type=JSON_TYPE)

    return routes


def _shown(row: NoticeRow, now: int) -> dict[str, object]:
    return {
        "id": row.key.notice_id,
        "version": row.key.version,
        "lang": row.key.lang,
        "kind": row.kind,
        "jurisdiction": row.jurisdiction,
        "purpose": row.purpose,
        "sha256": b64url(row.sha256),
        "state": notice_state(row, now),
        "registered_at": row.registered_at,
        "retired_at": row.retired_at,
    }


def _digest(text: str) -> bytes:
    try:
        return unb64url(text)
    except ValueError as error:
        raise AbsentError from error
