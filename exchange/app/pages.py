"""What the hosted pages need, made of ports and settings."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from flask import Flask, request

from exchange.api.edge.transport import peer_of
from exchange.app.ports import witness_policy
from exchange.console.borrower.routes import borrower_routes
from exchange.console.staff.pages import Pages
from exchange.console.staff.routes import console_pages
from exchange.console.web.assets import asset_routes, load_assets
from exchange.console.web.cookies import CONSOLE, SESSION
from exchange.console.web.desk import Desk
from exchange.console.web.lists import Lists
from exchange.console.web.site import Site
from exchange.console.web.words import load_words
from exchange.domain.borrowers.passkeys import RelyingParty
from exchange.services.audit.ports import AuditPorts
from exchange.services.borrower.ports import BorrowerPorts
from exchange.services.borrower.statements import SessionTerms
from exchange.services.ports import Ports
from exchange.settings import Settings
from exchange.store.work import Database

PAGE_ROUTES = frozenset({"assets", "borrower", "console"})  # no signature: people have none
CONSOLE_ROWS = 50  # of a page of a list


def borrower_ports(settings: Settings, database: Database, ports: Ports) -> BorrowerPorts:
    """Gather what the services of borrowers may touch."""
    base = urlsplit(settings.pages_base_url)
    return BorrowerPorts(
        ports=ports,
        begin_log=database.begin,
        party=RelyingParty(id=base.hostname or "", origin=settings.pages_base_url),
        terms=SessionTerms(
            idle_seconds_max=settings.page_idle_seconds_max,
            session_seconds_max=settings.page_session_seconds_max,
            challenge_seconds_max=settings.page_challenge_seconds_max,
            views_per_day=settings.file_views_per_day,
            wrong_sign_ins_per_hour=settings.wrong_sign_ins_per_hour,
        ),
        policy=witness_policy(settings),
    )


def make_site(settings: Settings, report: Callable[[Exception], None]) -> Site:
    """Make the site that all pages share.

    Raises:
        IntegrityError: a file that pages load is not the one that is listed.
    """
    return Site(
        origin=settings.pages_base_url,
        name=settings.name,
        words=load_words(),
        assets=load_assets(),
        report=report,
    )


def install_pages(app: Flask, settings: Settings, borrower: BorrowerPorts, site: Site) -> None:
    """Put the borrower's pages, and the files that all pages load, into an application."""
    app.register_blueprint(asset_routes(site.assets))
    app.register_blueprint(borrower_routes(_desk(settings, borrower, site, SESSION)))


def install_console(
    app: Flask, settings: Settings, borrower: BorrowerPorts, site: Site, audit_ports: AuditPorts
) -> Pages:
    """Put the console of regulators and members into an application."""
    ports = borrower.ports
    lists = Lists(
        mac=ports.keyring.cursor_mac,
        now=ports.now,
        rows=CONSOLE_ROWS,
        cursor_life_seconds=settings.cursor_life_seconds,
    )
    pages = console_pages(_desk(settings, borrower, site, CONSOLE), lists, audit_ports)
    app.register_blueprint(pages.routes)
    return pages


def _desk(settings: Settings, borrower: BorrowerPorts, site: Site, cookie: str) -> Desk:
    proxies = frozenset(settings.proxy_addresses)
    return Desk(
        site=site,
        borrower=borrower,
        contact=settings.pages_contact,
        peer=lambda: peer_of(request.environ, proxies),
        zone=settings.pages_zone,
        cookie=cookie,
    )
