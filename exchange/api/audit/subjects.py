"""Opening a person to an authority over HTTP: asked by one key, released by another."""

from __future__ import annotations

from typing import cast

from flask import Response

from exchange.api.audit.schemas import (
    SubjectOpeningAskSchema,
    SubjectOpeningSchema,
    SubjectReleaseSchema,
)
from exchange.api.edge.blueprints import Routes, answer
from exchange.api.edge.guard import current_caller
from exchange.api.edge.transport import Body, RoutePolicy
from exchange.domain.ids import parse, show
from exchange.domain.members import Role
from exchange.services.audit.open_subject import (
    Opened,
    OpeningAsk,
    Release,
    ask_subject,
    release_subject,
)
from exchange.services.audit.ports import AuditPorts

_WRITES = RoutePolicy(roles=frozenset({Role.REGULATOR}), body=Body.JSON)
_PREFIX = "opn"


def add_subjects(routes: Routes, audit_ports: AuditPorts) -> None:
    """Add the routes by which a person is opened."""

    @routes.signed("POST", "/audit/v1/subjects", policy=_WRITES)
    @routes.answers(200, SubjectOpeningSchema)
    @routes.body(SubjectOpeningAskSchema)
    def ask_opening(body: dict[str, object]) -> Response:
        """Ask to open a person; a second key of this authority releases it."""
        ask = OpeningAsk(
            opening_id=parse(_PREFIX, str(body["opening_id"]), field="opening_id"),
            epoch=str(body["epoch"]),
            tokens=tuple(cast("list[bytes]", body["tokens"])),
            case=str(body["case"]),
            embargo_until=_embargo(body),
        )
        return _opening(ask_subject(ask, current_caller().asker, audit_ports), audit_ports)

    @routes.signed("POST", "/audit/v1/subjects/<opening_id>/release", policy=_WRITES)
    @routes.answers(200, SubjectOpeningSchema)
    @routes.body(SubjectReleaseSchema)
    def release_opening(body: dict[str, object], opening_id: str) -> Response:
        """Release a person that another key of this authority asked to open."""
        wanted = parse(_PREFIX, opening_id, field="opening_id")
        asker = current_caller().asker
        said = Release(case=str(body["case"]), embargo_until=_embargo(body))
        return _opening(release_subject(wanted, said, asker, audit_ports), audit_ports)


def _embargo(body: dict[str, object]) -> int | None:
    return cast("int | None", body.get("embargo_until"))


def _opening(opened: Opened, audit_ports: AuditPorts) -> Response:
    opening = opened.opening
    released_at = opening.released_at
    body: dict[str, object] = {
        "opening_id": show(_PREFIX, opening.opening_id),
        "state": "ASKED" if released_at is None else "RELEASED",
        "case": opening.case,
        "asked_by": opening.asked_by,
        "asked_at": opening.asked_at,
        "released_by": opening.released_by,
        "released_at": released_at,
        "embargo_until": opening.embargo_until,
        "expires_at": released_at and released_at + audit_ports.opening_life_seconds,
    }
    if released_at is not None:
        body["subjects"] = list(opening.subjects)
    response = answer(body)
    if opened.replayed:
        response.headers["Cx-Replayed"] = "true"
    return response
