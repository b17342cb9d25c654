"""The edge of the API: what happens to every request before and after its route.

    before   1 method, target, sizes and types are looked at; nothing is parsed
             2 the signature is verified; a member with too much in flight is refused; the body
               is read and held against its digest
             3 the nonce is spent, unless the service spends it in its own transaction
             4 the roles are checked
    after    5 a nonce still open is spent: no signed request ends with its nonce unspent
             6 the response is signed over itself and the request it answers

Every route needs a signature but those named in `open_routes`; a route that has no policy is
answered as absent. A response is signed whenever the request's signature held, but for 401.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass

from flask import Flask, Response, g
from flask.globals import request_ctx
from msgspec import Struct

from exchange.api.edge.application import Answer
from exchange.api.edge.auth import Authenticator, Caller, Identity, admit
from exchange.api.edge.flights import Flights
from exchange.api.edge.problems import (
    Problems,
    Refusal,
    allowed_methods,
    needs_alarm,
    status_of,
    typed,
)
from exchange.api.edge.transport import (
    METHODS,
    OPEN_METHODS,
    BodyLimits,
    Environ,
    Nonce,
    RoutePolicy,
    announced_or_zero,
    check_body,
    check_method,
    peer_of,
    raw_target,
    read_body,
    request_id,
    request_parts,
)
from exchange.crypto.messages import SignedRequest, digest_of
from exchange.crypto.responses import ResponseParts, ResponseSigner, sign_response
from exchange.errors import (
    AbsentError,
    ExchangeError,
    FormError,
    MethodNotAllowed,
    ReplayedRequest,
    SignatureError,
)
from exchange.telemetry import trace_of

API_VERSION = "2026-12-01"


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgePorts:
    """What the edge needs of the outside."""

    authenticator: Authenticator
    spend_nonce: Callable[[Caller], None]  # raises ReplayedRequest, or SignatureError: key dead
    signer: ResponseSigner
    now: Callable[[], int]  # unix seconds
    new_request_id: Callable[[], str]
    report: Callable[[Refusal], None]
    flights: Flights
    proxies: frozenset[str] = frozenset()  # whose X-Forwarded-For names the peer


class _Passage(Struct, kw_only=True, gc=False):
    """What is known of the request on its way through."""

    environ: Environ
    route: str  # the rule as it is written in the code, or "" where none matched
    request_id: str
    signed: SignedRequest | None = None
    caller: Caller | None = None
    flying: str = ""  # the member whose flight this is
    nonce_open: bool = False


# Of the request that a thread answers directly; Flask keeps those of the others.
_DIRECT: ContextVar[_Passage | None] = ContextVar("passage", default=None)


class Edge:
    """Guards the routes of one Flask application."""

    def __init__(
        self,
        ports: EdgePorts,
        *,
        public_base: str,
        limits: BodyLimits,
        open_routes: frozenset[str],
    ) -> None:
        self._ports = ports
        self._public_base = public_base
        self._limits = limits
        self._open_routes = open_routes  # endpoints or blueprints that need no signature
        self._problems = Problems(public_base=public_base)
        self.policies: dict[str, RoutePolicy] = {}  # by endpoint

    def install(self, app: Flask) -> None:
        """Put this edge around every route of an application; one spelling of each path."""
        app.url_map.strict_slashes = False
        app.url_map.merge_slashes = False
        app.url_map.redirect_defaults = False
        app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
        app.before_request(self._enter)
        app.after_request(self._leave)
        app.register_error_handler(Exception, self.refuse)

    def is_open(self, endpoint: str) -> bool:
        """Tell whether a route is one of those that need no signature."""
        return endpoint in self._open_routes or endpoint.split(".")[0] in self._open_routes

    def guarded(
        self, rule: str, policy: RoutePolicy, view: Callable[[], Answer]
    ) -> Callable[[Environ], Answer]:
        """Put this edge around a signed route that asks nothing of the framework."""

        def answer(environ: Environ) -> Answer:
            passage = self._meet(environ, rule)
            _DIRECT.set(passage)
            try:
                self._enter_signed(passage, policy)
                return self._leave(view())
            except Exception as error:  # As the framework does for every other route.
                return self._leave(self.refuse(error))
            finally:
                _DIRECT.set(None)

        return answer

    def refuse(self, error: Exception) -> Response:
        """Answer with the problem document of an error, and report it."""
        passage = _passage()
        known = typed(error)
        if isinstance(known, ReplayedRequest | SignatureError):
            passage.nonce_open = False  # It is spent, or nobody's.
        self._report(passage, known, error)
        response = self._problems.response(known, passage.request_id)
        if isinstance(known, MethodNotAllowed):
            response.headers["Allow"] = ", ".join(allowed_methods(error, METHODS))
        return response

    def note(self, error: Exception) -> None:
        """Report a refusal that pages show in their own way."""
        self._report(_passage(), typed(error), error)

    def _meet(self, environ: Environ, rule: str) -> _Passage:
        named = request_id(environ) or self._ports.new_request_id()
        return _Passage(environ=environ, route=rule, request_id=named)

    def _enter(self) -> None:
        asked = request_ctx.request  # Each look through the framework's proxies costs a lookup.
        environ, endpoint = asked.environ, asked.endpoint
        g.cx = passage = self._meet(environ, asked.url_rule.rule if asked.url_rule else "")
        raw_target(environ)
        if endpoint is not None and self.is_open(endpoint):
            check_method(environ, OPEN_METHODS)
        elif endpoint is None or endpoint not in self.policies:
            check_method(environ, OPEN_METHODS)
            self._recognise(passage)  # So that 404 or 405 is signed if the request is.
            if asked.routing_exception is None:
                raise AbsentError
        else:
            self._enter_signed(passage, self.policies[endpoint])

    def _enter_signed(self, passage: _Passage, policy: RoutePolicy) -> None:
        environ = passage.environ
        try:
            check_method(environ, METHODS)
            length = check_body(environ, policy, self._limits)
        except ExchangeError:
            self._recognise(passage)  # So that the refusal can be signed.
            raise
        identity = self._identify(environ)
        passage.signed = identity.request  # So that the refusal can be signed.
        self._ports.flights.take_off(identity.request.member)
        passage.flying = identity.request.member
        caller = self._admit(passage, identity, read_body(environ, length), policy.nonce)
        caller.require(policy.roles)

    def _identify(self, environ: Environ) -> Identity:
        return self._ports.authenticator.identify(request_parts(environ, self._public_base))

    def _recognise(self, passage: _Passage) -> None:
        """Note who sent a request that is refused in any case; nothing is done for it."""
        if "HTTP_SIGNATURE" in passage.environ:
            try:
                passage.signed = self._identify(passage.environ).request
            except (SignatureError, FormError):
                passage.signed = None

    def _admit(self, passage: _Passage, identity: Identity, body: bytes, nonce: Nonce) -> Caller:
        caller = admit(identity, body)
        passage.caller = caller
        if nonce is Nonce.BY_THE_SERVICE:
            passage.nonce_open = True
        else:
            self._ports.spend_nonce(caller)
        return caller

    def _leave(self, response: Answer) -> Answer:
        passage = _passage()
        if passage.flying:
            self._ports.flights.land(passage.flying)
            passage.flying = ""
        if passage.nonce_open:
            response = self._settle_nonce(passage, response)
        headers = {"Cx-Request-Id": passage.request_id, "Cx-Version": API_VERSION}
        if passage.signed is not None and response.status_code != 401:
            headers |= self._signature(response, passage.signed)
            headers["Cache-Control"] = "no-store"
        for name, value in headers.items():
            response.headers.add(name, value)
        return response

    def _settle_nonce(self, passage: _Passage, response: Answer) -> Answer:
        """Spend a nonce that the service did not; a replay is told as one.

        A service that failed after its commit has spent it: then its own failure is the answer.
        """
        passage.nonce_open = False
        try:
            self._ports.spend_nonce(_caller(passage))
        except ExchangeError as error:
            if response.status_code < 500:
                return self.refuse(error)
        return response

    def _signature(self, response: Answer, signed: SignedRequest) -> dict[str, str]:
        body = response.get_data()
        if not body and isinstance(response, Response):
            response.headers.pop("Content-Type", None)
        digest = digest_of(body) if body else None
        parts = ResponseParts(
            status=response.status_code,
            content_digest=digest,
            content_type=response.content_type if body else None,
        )
        headers = sign_response(parts, signed, self._ports.signer, self._ports.now())
        return headers if digest is None else {"Content-Digest": digest, **headers}

    def _report(self, passage: _Passage, known: ExchangeError, error: Exception) -> None:
        caller, environ = passage.caller, passage.environ
        method = str(environ["REQUEST_METHOD"])
        alarm = needs_alarm(known)
        self._ports.report(
            Refusal(
                code=known.code,
                status=status_of(type(known)),
                request_id=passage.request_id,
                request_id_given=passage.request_id == request_id(environ),
                route=passage.route,
                method=method if method in OPEN_METHODS else "other",
                member=caller.member if caller else None,
                key=caller.key if caller else None,
                peer=peer_of(environ, self._ports.proxies),
                body_bytes=announced_or_zero(environ),
                alarm=alarm,
                trace=trace_of(error) if alarm else (),
            )
        )


def current_caller() -> Caller:
    """Return who sent the request that is being answered; only signed routes may ask."""
    return _caller(_passage())


def nonce_spent() -> None:
    """Say that the service has committed the caller's nonce in its own transaction."""
    _passage().nonce_open = False


def _passage() -> _Passage:
    passage = _DIRECT.get() or g.get("cx")
    if not isinstance(passage, _Passage):
        raise TypeError("the edge has not seen this request")
    return passage


def _caller(passage: _Passage) -> Caller:
    if passage.caller is None:
        raise TypeError("this route is open: it has no caller")
    return passage.caller
