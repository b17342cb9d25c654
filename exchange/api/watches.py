"""Watches: standing questions of a member about the borrowers of its own open accounts."""

from __future__ import annotations

import hashlib
from typing import cast
from uuid import UUID

from flask import Response
from marshmallow import fields, validate

from consent.purposes import OWN_BOOK, Purpose
from exchange.api.edge.blueprints import Routes, answer
from exchange.api.edge.fields import ByteText, StrictSchema, Text
from exchange.api.edge.guard import current_caller
from exchange.api.edge.paging import Paging
from exchange.api.edge.transport import Body, RoutePolicy
from exchange.domain.ids import parse, show
from exchange.domain.members import Role
from exchange.domain.outward.events import EventKind
from exchange.domain.outward.watches import KINDS, EndCause
from exchange.domain.queries import TokenKind
from exchange.services.watches.manage_watches import (
    NewWatch,
    WatchPorts,
    WatchView,
    add_watch,
    list_watches,
    remove_watch,
    renew_watch,
    show_watch,
)
from exchange.services.watches.ports import Watch, WatchKey

TOKEN_BYTES = 64
IDENTITIES_MAX = 3
_ASKERS = frozenset({Role.ASKER})
_READS = RoutePolicy(roles=_ASKERS)
_WRITES = RoutePolicy(roles=_ASKERS, body=Body.JSON)
_HEX = "[0-9a-f]{32}"
_KIND_NAMES = [kind.value for kind in KINDS]
_SECONDS = {"description": "unix seconds"}


class IdentityTokenSchema(StrictSchema):
    """An identity token; a contact token is of no account, so nobody can be watched by one."""

    kind = fields.String(required=True, validate=validate.Equal(TokenKind.IDENTITY.value))
    value = ByteText(length=TOKEN_BYTES)


class NewWatchSchema(StrictSchema):
    """A watch, under an id that the member made."""

    watch_id = Text(pattern=f"wch_{_HEX}")
    account_ref = Text(pattern=r"[A-Za-z0-9_.:-]{1,64}")
    epoch = Text(pattern=r"ep_[1-9][0-9]{0,5}")
    tokens = fields.List(
        fields.Nested(IdentityTokenSchema),
        required=True,
        validate=validate.Length(1, IDENTITIES_MAX),
        metadata={"description": "of the account's own record"},
    )
    purpose = fields.String(
        required=True, validate=validate.OneOf([purpose.value for purpose in sorted(OWN_BOOK)])
    )
    grant = Text(pattern=f"gnt_{_HEX}")
    kinds = fields.List(
        fields.String(validate=validate.OneOf(_KIND_NAMES)),
        validate=validate.Length(1, len(_KIND_NAMES)),
        metadata={"description": "of events; absent: all that purpose and grant allow"},
    )


class RenewalSchema(StrictSchema):
    """The grant that a watch rests on from now; absent: the one it has."""

    grant = Text(pattern=f"gnt_{_HEX}", required=False)


class WatchSchema(StrictSchema):
    """A watch as it stands now."""

    watch_id = fields.String(required=True)
    account_ref = fields.String(required=True)
    purpose = fields.String(required=True)
    grant = fields.String(required=True)
    kinds = fields.List(fields.String(), required=True)
    made_at = fields.Integer(required=True, metadata=_SECONDS)
    expires_at = fields.Integer(required=True, metadata=_SECONDS)
    ended_at = fields.Integer(required=True, allow_none=True, metadata=_SECONDS)
    ended_cause = fields.String(
        required=True, allow_none=True, metadata={"enum": [cause.value for cause in EndCause]}
    )


class WatchesSchema(StrictSchema):
    """A page of watches, in the order of their ids; ended ones are shown for a while."""

    watches = fields.List(fields.Nested(WatchSchema), required=True)
    has_more = fields.Boolean(required=True)
    next = fields.String(required=True, allow_none=True)


def watch_routes(desk: WatchPorts, paging: Paging) -> Routes:
    """Build the routes of watches."""
    routes = Routes("watches", description="Standing questions about one's own borrowers.")
    ports = desk.ports

    @routes.signed("POST", "/v1/watches", policy=_WRITES)
    @routes.answers(200, WatchSchema)
    @routes.body(NewWatchSchema)
    def add(body: dict[str, object]) -> Response:
        """Watch the borrower of an open account, from how things stand now."""
        return _shown(add_watch(current_caller().member, _new(body), desk))

    @routes.signed("GET", "/v1/watches", policy=_READS)
    @routes.takes(limit="1 to 500 [100]", cursor="`next` of the page before")
    @routes.answers(200, WatchesSchema)
    def listed() -> Response:
        """List the caller's watches."""
        pager = paging.pager("watches")
        page = list_watches(current_caller().member, pager.ask, ports)
        return answer({"watches": [_members(one) for one in page.rows], **pager.tail(page)})

    @routes.signed("GET", "/v1/watches/<watch_id>", policy=_READS)
    @routes.answers(200, WatchSchema)
    def one(watch_id: str) -> Response:
        """Show one watch."""
        return answer(_members(show_watch(_key(watch_id), ports)))

    @routes.signed("POST", "/v1/watches/<watch_id>/renew", policy=_WRITES)
    @routes.answers(200, WatchSchema)
    @routes.body(RenewalSchema)
    def renew(body: dict[str, object], watch_id: str) -> Response:
        """Let a watch live on from now; one that nobody renews ends."""
        named = cast("str | None", body.get("grant"))
        grant = None if named is None else parse("gnt", named, field="grant")
        return _shown(renew_watch(_key(watch_id), grant, desk))

    @routes.signed("DELETE", "/v1/watches/<watch_id>", policy=_READS)
    @routes.answers(200, WatchSchema)
    def remove(watch_id: str) -> Response:
        """End a watch."""
        return _shown(remove_watch(_key(watch_id), ports))

    return routes


def _new(body: dict[str, object]) -> NewWatch:
    tokens = cast("list[dict[str, bytes]]", body["tokens"])
    kinds = cast("list[str]", body.get("kinds", []))
    return NewWatch(
        watch_id=parse("wch", cast("str", body["watch_id"]), field="watch_id"),
        account_ref=cast("str", body["account_ref"]),
        epoch=cast("str", body["epoch"]),
        tokens=tuple(token["value"] for token in tokens),
        purpose=Purpose(cast("str", body["purpose"])),
        grant_id=parse("gnt", cast("str", body["grant"]), field="grant"),
        kinds=tuple(EventKind(kind) for kind in kinds),
        digest=hashlib.sha256(current_caller().body).digest(),
    )


def _key(text: str) -> WatchKey:
    watch_id: UUID = parse("wch", text, field="watch_id")
    return WatchKey(current_caller().member, watch_id)


def _shown(view: WatchView) -> Response:
    response = answer(_members(view.watch))
    if view.replayed:
        response.headers["Cx-Replayed"] = "true"
    return response


def _members(watch: Watch) -> dict[str, object]:
    return {
        "watch_id": show("wch", watch.key.watch_id),
        "account_ref": watch.account_ref,
        "purpose": watch.purpose,
        "grant": show("gnt", watch.grant_id),
        "kinds": list(watch.kinds),
        "made_at": watch.made_at,
        "expires_at": watch.expires_at,
        "ended_at": watch.ended_at,
        "ended_cause": watch.ended_cause,
    }
