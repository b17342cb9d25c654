"""A small application behind the real edge: routes of every policy, members of every standing.

Keys are made from public texts, so that a test in another process can sign as any of them.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from flask import Flask, Response
from marshmallow import fields

from exchange.api.edge.application import Application
from exchange.api.edge.auth import Authenticator, Caller
from exchange.api.edge.blueprints import Api, Line, Routes, answer
from exchange.api.edge.fields import ByteText, Flag, StrictSchema, Text, WholeNumber
from exchange.api.edge.flights import Flights
from exchange.api.edge.guard import Edge, EdgePorts, current_caller, nonce_spent
from exchange.api.edge.problems import Refusal
from exchange.api.edge.transport import Body, BodyLimits, Nonce, RoutePolicy
from exchange.crypto.messages import Window
from exchange.crypto.responses import ResponseSigner
from exchange.domain.members import Algorithm, MemberKey, MemberStatus, Role
from exchange.domain.queries import Asker
from exchange.errors import (
    AbsentError,
    IntegrityError,
    QuotaError,
    ReplayedRequest,
    RuleError,
    SignatureError,
    UnavailableError,
)
from tests.support.outward.edge_lists import lists
from tests.support.signed_requests import PrivateKey, key_of_text

RESPONSE_KEYID = "test-response-1"
FAR = 2**40
LINES_MAX = 3
FLIGHTS_MAX = 8


def private_key(keyid: str, algorithm: str = "ed25519") -> PrivateKey:
    """Return the private key of a member of this application."""
    return key_of_text(f"edge app {keyid}", algorithm)


def response_key() -> Ed25519PrivateKey:
    """Return the key that signs responses."""
    key = private_key(RESPONSE_KEYID)
    assert isinstance(key, Ed25519PrivateKey)
    return key


def _member(
    keyid: str,
    *roles: Role,
    algorithm: Algorithm = Algorithm.ED25519,
    status: MemberStatus = MemberStatus.ACTIVE,
    dates: tuple[int, int, int | None] = (0, FAR, None),
) -> MemberKey:
    member, _, key = keyid.partition("/")
    public = private_key(keyid, algorithm.value).public_key()
    raw = (
        public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        if algorithm is Algorithm.ED25519
        else public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    )
    return MemberKey(
        member=member,
        key=key,
        algorithm=algorithm,
        public_key=raw,
        not_before=dates[0],
        not_after=dates[1],
        revoked_at=dates[2],
        status=status,
        roles=frozenset(roles),
    )


MEMBERS = {
    f"{one.member}/{one.key}": one
    for one in (
        _member("member-a/k1", Role.ASKER, Role.CONTRIBUTOR),
        _member("member-a/p1", Role.ASKER, algorithm=Algorithm.ECDSA_P256),
        _member("member-c/k1", Role.CONTRIBUTOR),
        _member("suspended/k1", Role.ASKER, status=MemberStatus.SUSPENDED),
        _member("retired/k1", Role.ASKER, status=MemberStatus.RETIRED),
        _member("member-a/revoked", Role.ASKER, dates=(0, FAR, 1)),
        _member("member-a/ended", Role.ASKER, dates=(0, 1, None)),
        _member("member-a/future", Role.ASKER, dates=(FAR - 1, FAR, None)),
    )
}


class ItemSchema(StrictSchema):
    """One item."""

    name = Text(pattern=r"[^\n]{1,200}")


class ThingSchema(StrictSchema):
    """A body with a field of every kind."""

    count = WholeNumber(minimum=0, maximum=1000)
    flag = Flag(required=True)
    text = Text(pattern=r"[^\n]{0,200}")
    token = ByteText(length=3, required=False)
    items = fields.List(fields.Nested(ItemSchema))


VALID = {"count": 5, "flag": True, "text": "abc", "items": [{"name": "x"}]}


class NonceTable:
    """Remembers nonces, and counts how often one was spent."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.spent: set[tuple[str, str]] = set()
        self.dead: set[str] = set()  # members whose key died since it was found
        self.down = False

    def spend(self, caller: Caller) -> None:
        """Spend a caller's nonce once."""
        if self.down:
            raise UnavailableError
        with self._lock:
            if caller.member in self.dead:
                raise SignatureError
            if (caller.member, caller.nonce) in self.spent:
                raise ReplayedRequest
            self.spent.add((caller.member, caller.nonce))


@dataclass(slots=True, kw_only=True)
class EdgeApp:
    """The application and everything a test may look at."""

    public_base: str
    clock: Callable[[], int]
    nonces: NonceTable = field(default_factory=NonceTable)
    refusals: list[Refusal] = field(default_factory=list)
    effects: list[str] = field(default_factory=list)
    askers: list[Asker] = field(default_factory=list)
    numbers: set[int] = field(default_factory=set)  # rows of a list
    app: Application = field(init=False)
    edge: Edge = field(init=False)
    api: Api = field(init=False)

    def __post_init__(self) -> None:
        self.app = Application("edge app")
        self.edge = Edge(
            EdgePorts(
                authenticator=Authenticator(
                    find_key=lambda member, key: MEMBERS.get(f"{member}/{key}"),
                    now=self.clock,
                    window=Window(),
                ),
                spend_nonce=self.nonces.spend,
                signer=ResponseSigner(keyid=RESPONSE_KEYID, sign=response_key().sign),
                now=self.clock,
                new_request_id=lambda: secrets.token_hex(16),
                report=self.refusals.append,
                flights=Flights(flights_max=FLIGHTS_MAX),
            ),
            public_base=self.public_base,
            limits=BodyLimits(
                json_bytes_max=64 * 1024, query_lines_bytes_max=4096, record_file_bytes_max=8192
            ),
            open_routes=frozenset({"things.health"}),
        )
        self.edge.install(self.app)
        self.api = Api(self.app, self.edge, version="2026-12-01")
        self.api.register_blueprint(things(self))
        self.api.register_blueprint(services(self))
        self.api.register_blueprint(lists(self.numbers, self.clock))
        self.app.add_url_rule("/v1/forgotten", "forgotten", lambda: answer({"told": "all"}))


def things(world: EdgeApp) -> Routes:
    """Build routes of every policy."""
    routes = Routes("things")
    asker, contributor = frozenset({Role.ASKER}), frozenset({Role.CONTRIBUTOR})

    @routes.signed("POST", "/v1/queries", policy=RoutePolicy(roles=asker, body=Body.JSON))
    @routes.answers(200, ThingSchema)
    @routes.body(ThingSchema)
    def ask(thing: dict[str, object]) -> Response:
        """Do one thing."""
        world.effects.append(current_caller().member)
        return answer({"count": thing["count"]})

    @routes.signed("POST", "/v1/fast", policy=RoutePolicy(roles=asker, body=Body.JSON))
    @routes.body(ThingSchema, reader=read_fast)
    def fast(thing: dict[str, object]) -> Response:
        """Do one thing, read by a faster reader."""
        return answer({"fast": thing["fast"]})

    @routes.signed(
        "POST", "/v1/batches", policy=RoutePolicy(roles=contributor, body=Body.RECORD_FILE)
    )
    def upload() -> Response:
        """Take a file."""
        body = current_caller().body
        return answer({"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()})

    @routes.signed("GET", "/v1/faults/<kind>", policy=RoutePolicy(roles=frozenset()))
    def fail(kind: str) -> Response:
        """Fail in one way."""
        raise FAULTS[kind]()

    @routes.signed("DELETE", "/v1/things/<name>", policy=RoutePolicy(roles=frozenset()))
    def forget(name: str) -> Response:
        """Answer without a body."""
        return Response(status=204)

    @routes.open("/healthz")
    def health() -> Response:
        """Say that the process lives."""
        return answer({"live": True})

    return routes


def services(world: EdgeApp) -> Routes:
    """Build routes whose nonce is the service's to spend."""
    routes = Routes("services")
    asker = frozenset({Role.ASKER})

    @routes.signed(
        "POST",
        "/v1/query-batches",
        policy=RoutePolicy(roles=asker, body=Body.QUERY_LINES, nonce=Nonce.BY_THE_SERVICE),
    )
    @routes.lines(ThingSchema, lines_max=LINES_MAX)
    def ask_many(lines: list[Line]) -> Response:
        """Do many things."""
        text = "".join(json.dumps({"bytes": len(line.raw)}) + "\n" for line in lines)
        return Response(text, content_type="application/x-ndjson")

    @routes.signed(
        "POST",
        "/v1/services/<way>",
        policy=RoutePolicy(roles=asker, body=Body.JSON, nonce=Nonce.BY_THE_SERVICE),
    )
    @routes.body(ThingSchema)
    def serve_way(thing: dict[str, object], way: str) -> Response:
        """Act as a service that spends its nonce, or does not."""
        return service(world, way)

    return routes


FAULTS: dict[str, Callable[[], Exception]] = {
    "absent": AbsentError,
    "quota": lambda: QuotaError(retry_after_seconds=17),
    "down": UnavailableError,
    "damaged": IntegrityError,
    "bug": lambda: ValueError("canary 11010519491231002X"),
}


def service(world: EdgeApp, way: str) -> Response:
    """Spend the nonce and say so, forget it, refuse before it, or fail after it."""
    caller = current_caller()
    world.askers.append(caller.asker)
    if way == "refuses":
        raise RuleError
    if way != "forgets":
        world.nonces.spend(caller)
    if way == "fails-after":
        raise UnavailableError
    if way == "spends":
        nonce_spent()
    return answer({"way": way})


def read_fast(value: object) -> dict[str, object]:
    """Read as `ThingSchema` does, but only what is whole."""
    if not isinstance(value, dict) or value.keys() - {"token"} != VALID.keys() - {"items"}:
        raise ValueError("not of the form")
    return {"fast": type(value["count"]) is int}


def serve(public_base: str) -> Flask:
    """Build the application for a server of its own."""
    return EdgeApp(public_base=public_base, clock=lambda: int(time.time())).app
