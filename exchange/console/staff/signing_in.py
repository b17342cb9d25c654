"""The way in to the console: make a passkey by the operator's link, sign in with it, sign out."""

from __future__ import annotations

from flask import Response, request

from exchange.console.staff.pages import HOME, Pages
from exchange.console.web.cookies import CONSOLE, session_secret, take_session
from exchange.console.web.desk import Desk, go, moved_in, started
from exchange.console.web.forms import link_secret
from exchange.crypto.page_tokens import creation_challenge, form_token, sign_in_challenge
from exchange.crypto.passkeys import parse_assertion, parse_creation
from exchange.domain.base64url import b64url
from exchange.errors import SessionError
from exchange.services.borrower.keep_session import end_session
from exchange.services.seats.ports import Seated
from exchange.services.seats.sign_in_seat import sign_in_seat
from exchange.services.seats.take_seat import show_seat, take_seat

SEAT = f"{HOME}/seat"
USER_HANDLE_BYTES = 32  # a new one for each key: no key takes another's place on a device


def sign_in_pages(pages: Pages) -> None:
    """Add the pages by which somebody who has a key comes and goes."""
    routes, desk = pages.routes, pages.desk

    @routes.get(HOME)
    def door() -> Response:
        """Show the way in, or go on to the first page of whoever is in already."""
        seated = _seated(pages)
        return _door(desk) if seated is None else go(pages.menu(seated.roles)[0].path)

    @routes.post(f"{HOME}/sign-in")
    def enter() -> Response:
        """Open a session for the passkey that signed this page's challenge."""
        start, form = desk.started_form("assertion")
        visitor = desk.new_visitor()
        sign_in_seat(parse_assertion(form["assertion"]), start, visitor, desk.borrower)
        return moved_in(visitor, HOME, CONSOLE)

    @routes.post(f"{HOME}/sign-out")
    def leave() -> Response:
        """End the session on our side, and take its cookie."""
        visit = desk.visit()
        desk.form(visit)
        end_session(visit.session, desk.borrower)
        response = go(HOME)
        take_session(response, CONSOLE)
        return response


def seat_pages(pages: Pages) -> None:
    """Add the pages by which somebody makes their key."""
    routes, desk = pages.routes, pages.desk

    @routes.get(SEAT)
    def link() -> Response:
        """Take the secret from the link's fragment; no server ever saw it there."""
        start = desk.new_start()
        page = desk.site.page("console/link.html", desk.words(), form=form_token(start))
        return started(page, start)

    @routes.post(SEAT)
    def open_seat() -> Response:
        """Show whose seat it is, and let the person make a passkey."""
        start, form = desk.started_form("code")
        return _seat_page(desk, start, form["code"])

    @routes.post(f"{SEAT}/key")
    def take() -> Response:
        """Tie the new passkey to the seat; its first sign-in shows that it works."""
        start, form = desk.started_form("code", "creation")
        creation = parse_creation(form["creation"])
        take_seat(link_secret(form["code"]), creation, start, desk.borrower)
        return go(HOME)


def _door(desk: Desk) -> Response:
    start = desk.new_start()
    page = desk.site.page(
        "console/sign_in.html",
        desk.words(),
        form=form_token(start),
        challenge=b64url(sign_in_challenge(start)),
        party=desk.borrower.party,
    )
    return started(page, start)


def _seat_page(desk: Desk, start: bytes, code: str) -> Response:
    return desk.site.page(
        "console/seat.html",
        desk.words(),
        form=form_token(start),
        code=code.strip(),
        seated=show_seat(link_secret(code), desk.borrower),
        party=desk.borrower.party,
        creation=b64url(creation_challenge(start)),
        user=b64url(desk.borrower.ports.random_bytes(USER_HANDLE_BYTES)),
    )


def _seated(pages: Pages) -> Seated | None:
    if session_secret(request, CONSOLE) is None:
        return None
    try:
        return pages.seated()[1]
    except SessionError:
        return None
