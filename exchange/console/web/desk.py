"""What pages of people share: the site, the services' ports, and who is visiting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import Response, request

from exchange.console.web.cookies import (
    SESSION,
    give_language,
    give_session,
    give_start,
    session_secret,
    start_of,
)
from exchange.console.web.forms import read_form
from exchange.console.web.site import Site
from exchange.console.web.words import LANGUAGES, Words
from exchange.crypto.page_tokens import SECRET_BYTES, form_token, new_start
from exchange.errors import SessionError
from exchange.services.borrower.keep_session import resume_session
from exchange.services.borrower.ports import BorrowerPorts, Visitor
from exchange.services.borrower.statements import PageSession

AGENT_CHARACTERS_MAX = 512  # of a browser's own name


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A person with an open session."""

    session: PageSession
    visitor: Visitor

    @property
    def form(self) -> str:
        """The token that the forms of this session's pages carry."""
        return form_token(self.visitor.secret)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where pages find what they need."""

    site: Site
    borrower: BorrowerPorts
    contact: str  # of the exchange, for people
    peer: Callable[[], str]  # the address that the request at hand came from
    zone: str  # IANA time zone of moments that are no member's
    cookie: str = SESSION  # that holds the session's secret

    def visit(self) -> Visit:
        """Return the visit of whoever sent this request.

        Raises:
            SessionError: no session is open in this browser.
        """
        secret = session_secret(request, self.cookie)
        if secret is None:
            raise SessionError("open the link or sign in")
        visitor = Visitor(secret=secret, agent=_agent(), peer=self.peer())
        return Visit(session=resume_session(visitor, self.borrower), visitor=visitor)

    def key_visit(self) -> Visit:
        """Return the visit of a person who signed in with a passkey.

        Raises:
            SessionError: none is open, or it is the session of a link alone.
        """
        visit = self.visit()
        if visit.session.credential_id is None:
            raise SessionError("sign in with your passkey")
        return visit

    def new_visitor(self) -> Visitor:
        """Return a visitor with a fresh secret: what was in the cookie before is never taken on."""
        secret = self.borrower.ports.random_bytes(SECRET_BYTES)
        return Visitor(secret=secret, agent=_agent(), peer=self.peer())

    def new_start(self) -> bytes:
        """Make a start for a page that is opened without a session."""
        ports = self.borrower.ports
        return new_start(ports.keyring.pages_mac, ports.now(), ports.random_bytes)

    def started_form(self, *fields: str) -> tuple[bytes, dict[str, str]]:
        """Read a form that was made without a session; return its start and its fields.

        Raises:
            SessionError: the browser holds no start.
            ForgedForm: the form is not of that start.
        """
        start = start_of(request)
        if start is None:
            raise SessionError("open the page anew; it needs cookies of its own")
        return start, self._read(fields, start)

    def form(self, visit: Visit, *fields: str) -> dict[str, str]:
        """Read a form of this visit.

        Raises:
            ForgedForm: it is not of this session.
        """
        return self._read(fields, visit.visitor.secret)

    def words(self, shown: str | None = None) -> Words:
        """Return the words for whoever sent this request.

        Args:
            shown: the language of the notice that they were shown, if any.
        """
        return self.site.language(request, shown)

    def _read(self, fields: tuple[str, ...], secret: bytes) -> dict[str, str]:
        return dict(read_form(request, frozenset(fields), origin=self.site.origin, secret=secret))


def started(response: Response, start: bytes) -> Response:
    """Give a page's browser the start that the page was made with."""
    give_start(response, start)
    return response


def moved_in(visitor: Visitor, path: str, cookie: str = SESSION) -> Response:
    """Send a browser on, with the session that was just opened."""
    response = go(path)
    give_session(response, visitor.secret, cookie)
    return response


def go(path: str) -> Response:
    """Send a browser to another of our pages, by GET; never to an address from a request."""
    return Response(status=303, headers={"Location": path})


def remember_language(response: Response) -> Response:
    """Keep the language that a person chose on this page."""
    chosen = request.args.get("lang")
    if chosen in LANGUAGES:
        give_language(response, chosen)
    return response


def _agent() -> str:
    return request.headers.get("User-Agent", "")[:AGENT_CHARACTERS_MAX]
