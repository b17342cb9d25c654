"""An exchange inside the process, for a lender's own tests.

Real signatures, a real evaluator, real receipts and proofs; accounts, grants and disputes in
memory. It fails on misuse as the exchange does, and is held to the exchange's own contract suite.
Left out are webhooks and the regulator's audit (NotImplementedError says so), and what the exchange
does by itself as time passes: `tell` and `measured` stand in for its events and monthly measures.

    fake = FakeExchange()
    with fake.member("lender-a") as exchange:
        borrower = fake.persona("three_lenders").identifiers
        grant = fake.grant(exchange, borrower[0], "credit_application")
        answer = exchange.query(borrower, purpose="credit_application", grant=grant)
"""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias, Unpack

import httpx2

from exchange_client._consent.grants import GrantState
from exchange_client.client import AsyncExchange, Exchange
from exchange_client.core.calls import JSON_TYPE
from exchange_client.core.encoding import b64url, dumps
from exchange_client.core.records.reporting import QualityReport
from exchange_client.core.setup import Settings
from exchange_client.grants import Grant, build, evidence_of
from exchange_client.identifiers import Identifier
from exchange_client.keys import Algorithm, KeyFile
from exchange_client.pins import DESCRIPTION_PATH, Pins
from exchange_client.testing import granting
from exchange_client.testing.granting import notice_of
from exchange_client.testing.messages import Caller, authenticate, signed_headers
from exchange_client.testing.personas import Persona, personas
from exchange_client.testing.refusals import Answered, Refusal
from exchange_client.testing.routes import route
from exchange_client.testing.standing import requesting
from exchange_client.testing.standing.telling import tell
from exchange_client.testing.world import PUBLIC_BASE, Account, Clock, World

Fault: TypeAlias = Callable[[httpx2.Request], httpx2.Response]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One request as it reached the fake: what left the lender, byte for byte."""

    method: str
    path: str
    body: bytes


class FakeExchange:
    """An exchange in memory. It starts with the documented personas and without members."""

    def __init__(self) -> None:
        self.world = World()
        self.seen: list[Seen] = []
        self._keys: dict[str, KeyFile] = {}
        self._faults: deque[Fault] = deque()
        self._personas = personas(self.clock.today())
        for one in self._personas.values():
            self._hold(one)

    @property
    def clock(self) -> Clock:
        """Its clock; `fake.clock.advance(days=31)` lets time pass."""
        return self.world.clock

    @property
    def pins(self) -> Pins:
        """What a member pins of it."""
        return Pins.trust(self.world.description())

    @property
    def transport(self) -> httpx2.MockTransport:
        """How clients reach it, sync and async."""
        return httpx2.MockTransport(self._receive)

    def key(self, member: str, algorithm: Algorithm = Algorithm.ED25519) -> KeyFile:
        """Enrol a member, once, and return its key."""
        if member not in self._keys:
            key = KeyFile.generate(member, algorithm=algorithm)
            self._keys[member] = key
            self.world.members[key.keyid] = key.public_key
        return self._keys[member]

    def member(self, name: str, **settings: Unpack[Settings]) -> Exchange:
        """Return the SDK of a member, enrolled if it is new."""
        settings.setdefault("clock", self.clock)
        return Exchange(self.key(name), self.pins, transport=self.transport, **settings)

    def async_member(self, name: str, **settings: Unpack[Settings]) -> AsyncExchange:
        """Return the asyncio SDK of a member, enrolled if it is new."""
        settings.setdefault("clock", self.clock)
        return AsyncExchange(self.key(name), self.pins, transport=self.transport, **settings)

    def persona(self, name: str) -> Persona:
        """Return a documented synthetic borrower; `personas` lists them."""
        return self._personas[name]

    @property
    def personas(self) -> tuple[Persona, ...]:
        """Every documented synthetic borrower."""
        return tuple(self._personas.values())

    def consent(self, member: str, identifier: Identifier, purpose: str) -> Grant:
        """Make a synthetic borrower's consent to a member, not registered yet."""
        digest = hashlib.sha256(identifier.oprf_input()).hexdigest()
        now = self.clock()
        terms: dict[str, object] = {
            "purpose": purpose,
            "subject": {"ref": f"cust-{digest[:12]}"},
            "notice": {**notice_of(purpose, "zh-CN"), "shown_at": now - 60, "separate": True},
            "collection": {"channel": "app", "act": "checkbox+otp", "at": now - 30},
            "evidence": evidence_of(os.urandom(16), media="application/pdf", member=member),
            "retention": {"answer_days": 180, "evidence_months": 84},
            "jurisdiction": "CN",
            "withdrawal": {"uri": "https://lender.example/withdraw"},
        }
        return build(identifier, terms, key=self.key(member), pins=self.pins, now=now)

    def grant(self, exchange: Exchange, identifier: Identifier, purpose: str) -> str:
        """Register a synthetic consent and return its id; a persona's grant ends as documented."""
        grant = self.consent(exchange.member, identifier, purpose)
        exchange.register_grant(grant, identifier)
        held = self.world.grants[grant.grant_id]
        ends = {one.identifiers[0]: one.grant_ends for one in self.personas}.get(identifier)
        if ends == "WITHDRAWN":
            held.held = replace(held.held, state=GrantState.WITHDRAWN)
        elif ends == "EXPIRED":
            held.held = replace(held.held, expires=self.clock())
        return grant.grant_id

    def answer_request(self, grant_id: str, *, agreed: bool) -> None:
        """Let a borrower answer a grant that was requested, as on the exchange's page."""
        requesting.answer(self.world, grant_id, agreed=agreed)

    def ask_evidence(self, grant_id: str) -> None:
        """Ask for the evidence behind a grant, as the exchange's nightly sample does."""
        granting.ask_evidence(self.world, grant_id)

    def tell(
        self,
        member: str,
        kind: str,
        facts: Mapping[str, object],
        bands: Mapping[str, object] | None = None,
    ) -> str:
        """Put an event into a member's feed, such as GRANT_EXPIRING, and return its id.

        Changes of grants, corrections and what watches make are told without it.
        """
        return tell(self.world, member, kind, facts, bands)

    def measured(self, report: QualityReport) -> None:
        """Let a member's contribution be measured so: what `data_quality()` then reports."""
        self.world.quality[report.member] = report

    def fail_next(
        self, status: int, code: str, *, times: int = 1, retry_after_seconds: int | None = None
    ) -> None:
        """Refuse the next requests, with a problem that the fake signs."""

        def fail(request: httpx2.Request) -> httpx2.Response:
            refusal = Refusal(status, code, retry_after_seconds=retry_after_seconds)
            return self._sign(refusal.answered(), self._caller(request))

        self._faults.extend([fail] * times)

    def drop_next(self, *, times: int = 1) -> None:
        """Let the next requests find nobody."""

        def drop(request: httpx2.Request) -> httpx2.Response:
            raise httpx2.ConnectError("forced by the test", request=request)

        self._faults.extend([drop] * times)

    def lose_answer(self) -> None:
        """Carry the next request out, and lose its answer on the way back."""

        def lose(request: httpx2.Request) -> httpx2.Response:
            self._handle(request)
            raise httpx2.ReadTimeout("forced by the test", request=request)

        self._faults.append(lose)

    def alter_next(self, alter: Callable[[httpx2.Response], httpx2.Response]) -> None:
        """Let something on the way change the next response."""
        self._faults.append(lambda request: alter(self._handle(request)))

    def hold_log(self) -> None:
        """Let new leaves wait for their place in the tree."""
        self.world.log.held = True

    def release_log(self) -> None:
        """Give waiting leaves their place."""
        self.world.log.held = False
        self.world.log.sequence()

    def _receive(self, request: httpx2.Request) -> httpx2.Response:
        path = request.url.raw_path.decode()
        self.seen.append(Seen(method=request.method, path=path, body=request.content))
        handle = self._faults.popleft() if self._faults else self._handle
        return handle(request)

    def _handle(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.path == DESCRIPTION_PATH:
            body = dumps({"description": self.world.description()})
            return httpx2.Response(200, content=body, headers={"Content-Type": JSON_TYPE})
        try:
            caller = self._caller(request)
        except Refusal as refusal:  # Nobody's request: there is nothing to sign an answer to.
            answered = refusal.answered()
            headers = {"Content-Type": answered.content_type}
            return httpx2.Response(answered.status, content=answered.body, headers=headers)
        try:
            self._spend(caller)
            return self._sign(route(self.world, caller, request), caller)
        except Refusal as refusal:
            return self._sign(refusal.answered(), caller)

    def _caller(self, request: httpx2.Request) -> Caller:
        return authenticate(request, PUBLIC_BASE, self.world.members.get, self.clock())

    def _spend(self, caller: Caller) -> None:
        if (caller.member, caller.nonce) in self.world.nonces:
            raise Refusal(409, "auth.replayed")
        self.world.nonces.add((caller.member, caller.nonce))

    def _sign(self, answered: Answered, caller: Caller) -> httpx2.Response:
        headers = signed_headers(answered, caller, self.world.keys["response"], self.clock())
        return httpx2.Response(answered.status, content=answered.body, headers=headers)

    def _hold(self, persona: Persona) -> None:
        evaluator = self.world.evaluator
        tokens = frozenset(
            b64url(evaluator.evaluate_known_input(one.oprf_input()))
            for one in persona.identifiers
            if one.kind == "identity"
        )
        for lender, row in persona.rows.items():
            place = (lender, f"{persona.name}.{lender}")
            account = Account(member=lender, row=row, tokens=tokens, disputed=persona.disputed)
            account.learn({**row, "account_ref": place[1]})
            self.world.accounts[place] = account
