"""Sign in with a passkey, and sign out."""

from __future__ import annotations

from flask import Blueprint, Response, request

from exchange.console.borrower import HOME
from exchange.console.web.cookies import session_secret, take_session
from exchange.console.web.desk import Desk, go, moved_in, started
from exchange.crypto.page_tokens import form_token, sign_in_challenge
from exchange.crypto.passkeys import parse_assertion
from exchange.domain.base64url import b64url
from exchange.errors import SessionError
from exchange.services.borrower.keep_session import end_session
from exchange.services.borrower.sign_in import sign_in

FILE = f"{HOME}/file"


def sign_in_pages(routes: Blueprint, desk: Desk) -> None:
    """Add the pages."""

    @routes.get(HOME)
    def welcome() -> Response:
        """Show the way in, or go on to the page of whoever is in already."""
        return go(FILE) if _is_in(desk) else _door(desk)

    @routes.post(f"{HOME}/sign-in")
    def enter() -> Response:
        """Open a session for the passkey that signed this page's challenge."""
        start, form = desk.started_form("assertion")
        visitor = desk.new_visitor()
        sign_in(parse_assertion(form["assertion"]), start, visitor, desk.borrower)
        return moved_in(visitor, FILE)

    @routes.post(f"{HOME}/sign-out")
    def leave() -> Response:
        """End the session on our side, and take its cookie."""
        visit = desk.visit()
        desk.form(visit)
        end_session(visit.session, desk.borrower)
        response = go(HOME)
        take_session(response)
        return response


def _door(desk: Desk) -> Response:
    start = desk.new_start()
    page = desk.site.page(
        "borrower/sign_in.html",
        desk.words(),
        form=form_token(start),
        challenge=b64url(sign_in_challenge(start)),
        party=desk.borrower.party,
        contact=desk.contact,
    )
    return started(page, start)


def _is_in(desk: Desk) -> bool:
    if session_secret(request) is None:
        return False
    try:
        desk.key_visit()
    except SessionError:
        return False
    return True
