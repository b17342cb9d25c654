"""Queries: one, a batch of them under one signature, or a look at an answer given before."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Literal, cast

import msgspec
from marshmallow import fields, validate
from msgspec import UNSET, Meta, Struct, UnsetType

from consent.purposes import Detail, Purpose
from exchange.api.edge.application import Whole
from exchange.api.edge.blueprints import Line, Routes
from exchange.api.edge.fields import ByteText, StrictSchema, Text, WholeNumber
from exchange.api.edge.guard import current_caller, nonce_spent
from exchange.api.edge.transport import JSON_TYPE, LINES_TYPE, Body, Nonce, RoutePolicy
from exchange.crypto.signing import JWS_BYTES_MAX
from exchange.domain.base64url import unb64url
from exchange.domain.ids import parse
from exchange.domain.members import Role
from exchange.domain.queries import Query, Token, TokenKind
from exchange.domain.strict_json import JsonLimits
from exchange.errors import Fault, InvalidField
from exchange.services.log.write_leaves import standard_base64
from exchange.services.ports import Ports
from exchange.services.queries.answer_query import Answered, answer_queries, stored_receipt
from exchange.services.queries.answer_together import Together

TOKEN_BYTES = 64
# Wider than an artefact may be: one that is too long is told so, as an artefact.
ARTEFACT_LIMITS = JsonLimits(string_bytes=JWS_BYTES_MAX)
IDENTITIES_MAX = 3
_REF = r"[A-Za-z0-9_.:-]{1,64}"
_EPOCH = r"ep_[1-9][0-9]{0,5}"


class TokenSchema(StrictSchema):
    """A token of the subject."""

    kind = fields.String(required=True, validate=validate.OneOf([kind.value for kind in TokenKind]))
    value = ByteText(length=TOKEN_BYTES)


class AfterSchema(StrictSchema):
    """The newest checkpoint that the asker holds."""

    size = WholeNumber(minimum=1, maximum=10**15)
    root = ByteText(length=32)


class QuerySchema(StrictSchema):
    """A question about one subject, for one purpose, under one grant."""

    query_id = Text(pattern=r"qry_[0-9a-f]{32}")
    epoch = Text(pattern=_EPOCH)
    tokens = fields.List(fields.Nested(TokenSchema), required=True, validate=validate.Length(1, 4))
    purpose = fields.String(required=True, validate=validate.OneOf([one.value for one in Purpose]))
    grant_id = Text(pattern=r"gnt_[0-9a-f]{32}", required=False)
    artefact = Text(pattern=rf"[!-~]{{1,{JWS_BYTES_MAX}}}", required=False)
    operator = Text(pattern=_REF)
    application_ref = Text(pattern=_REF)
    detail = fields.String(validate=validate.OneOf([Detail.BANDS, Detail.FLAG]))
    after = fields.Nested(AfterSchema)


class ReceiptSchema(StrictSchema):
    """The signed answer."""

    receipt = fields.String(
        required=True, metadata={"description": "compact JWS, typ cx-receipt+jwt"}
    )


_QUERY_ID = Annotated[str, Meta(pattern=r"^qry_[0-9a-f]{32}\Z")]
_GRANT_ID = Annotated[str, Meta(pattern=r"^gnt_[0-9a-f]{32}\Z")]
_RefText = Annotated[str, Meta(pattern=rf"^{_REF}\Z")]


_ArtefactText = Annotated[str, Meta(pattern=r"^[!-~]+\Z", max_length=JWS_BYTES_MAX)]


class _Token(Struct, forbid_unknown_fields=True):
    kind: TokenKind
    value: str


class _After(Struct, forbid_unknown_fields=True):
    size: Annotated[int, Meta(ge=1, le=10**15)]
    root: str


class _Body(Struct, forbid_unknown_fields=True):
    """The same form as `QuerySchema`, read many times faster; a test holds the two equal."""

    query_id: _QUERY_ID
    epoch: Annotated[str, Meta(pattern=rf"^{_EPOCH}\Z")]
    tokens: Annotated[list[_Token], Meta(min_length=1, max_length=4)]
    purpose: Purpose
    operator: _RefText
    application_ref: _RefText
    grant_id: _GRANT_ID | UnsetType = UNSET
    artefact: Annotated[str, Meta(pattern=r"^[!-~]+\Z", max_length=JWS_BYTES_MAX)] | UnsetType = (
        UNSET
    )
    detail: Literal["bands", "flag"] | UnsetType = UNSET
    after: _After | UnsetType = UNSET


_DECODE = msgspec.json.Decoder(_Body).decode
_DETAILS = {UNSET: Detail.BANDS, "bands": Detail.BANDS, "flag": Detail.FLAG}


def read_query(value: object) -> Callable[[bytes], Query]:
    """Read a query's JSON; the result takes the digest of the bytes that said it.

    Raises:
        ValueError: it is not of the documented form; `QuerySchema` names the faults.
        InvalidField: an id is no UUIDv7, or the tokens are not in their order.
    """
    return partial(_query, **_members(msgspec.convert(value, _Body)))


def read_query_line(raw: bytes) -> Query | None:
    """Read a plain query in one pass; None where only the strict reader can tell.

    In ASCII without a backslash every text stands between two quotes of its own. Where there are
    no more quotes than what was read takes, no member stood twice, and what was read is all there
    is. A test holds this reader and `read_query` equal.
    """
    if b"\\" in raw or not raw.isascii():
        return None
    try:
        body = _DECODE(raw)
        if raw.count(b'"') != 2 * _texts(body) or not _is_plain(body.after, raw):
            return None
        return _query(raw, **_members(body))
    except (ValueError, InvalidField):
        return None  # The strict reader names the fault.


def _texts(body: _Body) -> int:
    """Count the names and texts that stood in a line: a name alone before an array or a number."""
    optional = (body.grant_id, body.artefact, body.detail, body.after, body.after)
    return 11 + 4 * len(body.tokens) + 2 * sum(one is not UNSET for one in optional)


def _is_plain(after: _After | UnsetType, raw: bytes) -> bool:
    """Tell whether the one number of a line is written in digits alone."""
    if after is UNSET:
        return True
    size = b'"size":%d' % after.size
    return size + b"," in raw or size + b"}" in raw


def _members(body: _Body) -> dict[str, Any]:
    """Return the members of a query, but for its digest."""
    tokens = tuple(
        Token(kind=one.kind, value=_bytes(one.value, TOKEN_BYTES)) for one in body.tokens
    )
    _check_order(tokens)
    if body.artefact is not UNSET and body.grant_id is not UNSET:
        raise InvalidField("goes without a grant_id", field="artefact")
    after = body.after
    return {
        "query_id": parse("qry", body.query_id, field="query_id"),
        "epoch": body.epoch,
        "tokens": tokens,
        "purpose": body.purpose,
        "grant_id": (
            None if body.grant_id is UNSET else parse("gnt", body.grant_id, field="grant_id")
        ),
        "artefact": None if body.artefact is UNSET else body.artefact,
        "operator": body.operator,
        "application": body.application_ref,
        "detail": _DETAILS[body.detail],
        "after_size": 0 if after is UNSET else after.size,
        "after_root": "" if after is UNSET else standard_base64(_bytes(after.root, 32)),
    }


def query_routes(ports: Ports, *, queries_max: int) -> Routes:
    """Build the routes of queries."""
    together = Together(ports)
    routes = Routes("queries", description="Is this borrower delinquent elsewhere?")
    asker = frozenset({Role.ASKER})

    @routes.signed(
        "POST",
        "/v1/queries",
        policy=RoutePolicy(roles=asker, body=Body.JSON, nonce=Nonce.BY_THE_SERVICE),
    )
    @routes.answers(200, ReceiptSchema)
    @routes.body(QuerySchema, reader=read_query, quick=read_query_line, limits=ARTEFACT_LIMITS)
    def ask(query: object) -> Whole:
        """Ask whether a subject is delinquent at another member; a grant may come along."""
        caller = current_caller()
        answered = together.answer(_of_line(Line(caller.body, query)), caller.asker)
        nonce_spent()
        return _receipts(answered, JSON_TYPE)

    @routes.signed(
        "POST",
        "/v1/query-batches",
        policy=RoutePolicy(roles=asker, body=Body.QUERY_LINES, nonce=Nonce.BY_THE_SERVICE),
    )
    @routes.answers(200, ReceiptSchema, media=LINES_TYPE)
    @routes.lines(QuerySchema, lines_max=queries_max, reader=read_query, quick=read_query_line)
    def ask_many(lines: list[Line]) -> Whole:
        """Ask about up to 1,000 subjects under one signature; a receipt each, in order."""
        queries = [_of_line(line) for line in lines]
        answered = answer_queries(check_distinct(queries), current_caller().asker, ports)
        nonce_spent()
        return _receipts(answered, LINES_TYPE)

    @routes.signed("GET", "/v1/queries/<query_id>", policy=RoutePolicy(roles=asker))
    @routes.answers(200, ReceiptSchema)
    def show_query(query_id: str) -> Whole:
        """Show the receipt given before under a query id."""
        asked = parse("qry", query_id, field="query_id")
        answered = stored_receipt(asked, current_caller().member, ports)
        return _receipts(answered, JSON_TYPE)

    return routes


def check_distinct(queries: list[Query]) -> list[Query]:
    """Refuse a batch that names one subject, grant or query id twice, or brings an artefact.

    Raises:
        InvalidField: one stands twice, or an artefact; the fault points at the (second) line.
    """
    for number, query in enumerate(queries):
        if query.artefact is not None:
            # Each registration locks its subject; in a batch they would lock in any order.
            expected = "comes with a single query alone; register it first"
            fault = Fault(f"/{number}/artefact", InvalidField.code, expected)
            raise InvalidField(expected, faults=(fault,))
    named: dict[str, list[object]] = {
        "query_id": [query.query_id for query in queries],
        "tokens": [query.tokens[0].value for query in queries],
        "grant_id": [query.grant_id or query.query_id for query in queries],
    }
    for name, values in named.items():
        seen: set[object] = set()
        for number, value in enumerate(values):
            if value in seen:
                expected = "stands twice in this batch"
                fault = Fault(f"/{number}/{name}", InvalidField.code, expected)
                raise InvalidField(expected, faults=(fault,))
            seen.add(value)
    return queries


def _of_line(line: Line) -> Query:
    read = line.value
    return read if isinstance(read, Query) else cast("Callable[[bytes], Query]", read)(line.raw)


def _query(body: bytes, **members: Any) -> Query:  # Typed where they are gathered.
    return Query(digest=hashlib.sha256(body).digest(), **members)


def _receipts(answered: Answered, media: str) -> Whole:
    # A receipt's alphabet needs no escaping: the signed bytes are laid between two constants. A
    # thousand of them are three megabytes, so they are laid out once and encoded once.
    between = '"}\n{"receipt":"'
    ends = ('"}\n',) if media == LINES_TYPE else ('"}',)
    parts = [part for receipt in answered.receipts for part in (between, receipt)]
    parts[0] = between[3:]
    response = Whole("".join((*parts, *ends)).encode("ascii"), media)
    if answered.replayed:
        response.headers.add("Cx-Replayed", "true")
    return response


def _check_order(tokens: tuple[Token, ...]) -> None:
    if len(tokens) == 1 and tokens[0].kind is TokenKind.IDENTITY:
        return
    kinds = [token.kind for token in tokens]
    identities = kinds.count(TokenKind.IDENTITY)
    contacts = len(kinds) - identities
    if not 1 <= identities <= IDENTITIES_MAX or contacts > 1 or TokenKind.CONTACT in kinds[:-1]:
        raise InvalidField("must be 1 to 3 identity tokens, then at most 1 contact", field="tokens")
    if len({token.value for token in tokens}) != len(tokens):
        raise InvalidField("must be distinct", field="tokens")


def _bytes(text: str, length: int) -> bytes:
    value = unb64url(text)
    if len(value) != length:
        raise ValueError("not of the expected length")
    return value
