"""The borrower's pages: answer a lender's request, sign in, see and end what was allowed."""

from __future__ import annotations

from flask import Blueprint, Response, request

from exchange.console.borrower.answering import answering_pages
from exchange.console.borrower.own_file import file_pages
from exchange.console.borrower.permissions import permission_pages
from exchange.console.borrower.signing_in import sign_in_pages
from exchange.console.web.desk import Desk, remember_language
from exchange.console.web.headers import harden
from exchange.console.web.refusals import refusal_page
from exchange.errors import ExchangeError


def borrower_routes(desk: Desk) -> Blueprint:
    """Build the pages, behind their own host and headers."""
    routes = Blueprint("borrower", __name__)
    routes.before_request(lambda: desk.site.check_host(request))
    routes.after_request(harden)
    routes.after_request(remember_language)

    @routes.errorhandler(ExchangeError)
    def refuse(error: ExchangeError) -> Response:
        return refusal_page(error, desk.site)

    sign_in_pages(routes, desk)
    answering_pages(routes, desk)
    permission_pages(routes, desk)
    file_pages(routes, desk)
    return routes
