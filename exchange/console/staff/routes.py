"""The console: the way in, and the pages of regulators and members, behind their own host."""

from __future__ import annotations

from flask import Blueprint, Response, request

from exchange.console.member.files import file_pages
from exchange.console.member.told import told_pages
from exchange.console.regulator.entries import entry_pages
from exchange.console.regulator.findings import finding_pages
from exchange.console.regulator.overview import overview_page
from exchange.console.staff.pages import Pages
from exchange.console.staff.signing_in import seat_pages, sign_in_pages
from exchange.console.staff.standing import standing_pages
from exchange.console.web.desk import Desk, remember_language
from exchange.console.web.headers import harden
from exchange.console.web.lists import Lists
from exchange.console.web.refusals import STAFF, refusal_page
from exchange.errors import ExchangeError
from exchange.services.audit.ports import AuditPorts


def console_pages(desk: Desk, lists: Lists, audit_ports: AuditPorts) -> Pages:
    """Build the pages, in the order of the menu."""
    ports = audit_ports.ports
    pages = Pages(routes=Blueprint("console", __name__), desk=desk, lists=lists)
    pages.routes.before_request(lambda: desk.site.check_host(request))
    pages.routes.after_request(harden)
    pages.routes.after_request(remember_language)

    @pages.routes.errorhandler(ExchangeError)
    def refuse(error: ExchangeError) -> Response:
        return refusal_page(error, desk.site, STAFF)

    sign_in_pages(pages)
    seat_pages(pages)
    overview_page(pages, audit_ports)
    entry_pages(pages, audit_ports)
    finding_pages(pages, audit_ports)
    file_pages(pages, ports)
    standing_pages(pages, ports)
    told_pages(pages, ports)
    return pages
