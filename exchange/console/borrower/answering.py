"""Answer a lender's request: open its link, read it, agree by passkey or refuse by a click."""

from __future__ import annotations

import hashlib

from flask import Blueprint, Response

from exchange.console.borrower import HOME
from exchange.console.web.cookies import give_session, take_session
from exchange.console.web.desk import Desk, Visit, moved_in, started
from exchange.console.web.forms import link_secret
from exchange.crypto.page_tokens import creation_challenge, form_token
from exchange.crypto.passkeys import parse_assertion, parse_creation
from exchange.domain.base64url import b64url
from exchange.services.borrower.answer_request import Signing, accept_request, refuse_request
from exchange.services.borrower.open_link import open_link
from exchange.services.borrower.show_request import GrantRequest, show_request

REQUEST = f"{HOME}/request"
USER_HANDLE_BYTES = 32  # a new one for each key: it names nobody, and no key takes another's place


def answering_pages(routes: Blueprint, desk: Desk) -> None:
    """Add the pages."""

    @routes.get(REQUEST)
    def link() -> Response:
        """Take the secret from the link's fragment; no server ever saw it there."""
        start = desk.new_start()
        page = desk.site.page("borrower/link.html", desk.words(), form=form_token(start))
        return started(page, start)

    @routes.post(REQUEST)
    def open_request() -> Response:
        """Open the link, once."""
        _, form = desk.started_form("code")
        visitor = desk.new_visitor()
        open_link(link_secret(form["code"]), visitor, desk.borrower)
        return moved_in(visitor, f"{REQUEST}/answer")

    @routes.get(f"{REQUEST}/answer")
    def read() -> Response:
        """Show who asks, what for, what is seen, how long, how to end it."""
        visit = desk.visit()
        return _request_page(desk, visit, show_request(visit.session, desk.borrower))

    @routes.post(f"{REQUEST}/accept")
    def accept() -> Response:
        """Agree: the passkey signed the very bytes of the artefact."""
        visit = desk.visit()
        form = desk.form(visit, "assertion", "creation")
        signing = Signing(
            assertion=parse_assertion(form["assertion"]),
            creation=parse_creation(form["creation"]) if form["creation"] else None,
            secret=visit.visitor.secret,
        )
        visitor = desk.new_visitor()
        answered = accept_request(visit.session, signing, visitor, desk.borrower)
        page = _answered_page(desk, answered, "agreed")
        give_session(page, visitor.secret)
        return page

    @routes.post(f"{REQUEST}/refuse")
    def refuse() -> Response:
        """Refuse: nothing more is asked."""
        visit = desk.visit()
        desk.form(visit)
        page = _answered_page(desk, refuse_request(visit.session, desk.borrower), "refused")
        take_session(page)
        return page


def _request_page(desk: Desk, visit: Visit, asked: GrantRequest) -> Response:
    ports = desk.borrower.ports
    return desk.site.page(
        "borrower/request.html",
        desk.words(asked.artefact.notice.lang),
        form=visit.form,
        artefact=asked.artefact,
        grantee=asked.grantee,
        notice=asked.notice,
        party=desk.borrower.party,
        challenge=b64url(hashlib.sha256(asked.stored.artefact).digest()),
        creation=b64url(creation_challenge(visit.visitor.secret)),
        user=b64url(ports.random_bytes(USER_HANDLE_BYTES)),
        until=asked.stored.held.expires,
        now=ports.now(),
    )


def _answered_page(desk: Desk, answered: GrantRequest, answer: str) -> Response:
    return desk.site.page(
        "borrower/answered.html",
        desk.words(answered.artefact.notice.lang),
        answer=answer,
        grantee=answered.grantee,
    )
