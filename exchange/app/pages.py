"""What the hosted pages need, made of ports and settings."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from flask import Flask, request

from exchange.api.edge.transport import peer_of
from exchange.app.ports import witness_policy
from exchange.console.borrower.desk import Desk
from exchange.console.borrower.routes import borrower_routes
from exchange.console.web.assets import asset_routes, load_assets
from exchange.console.web.site import Site
from exchange.console.web.words import load_words
from exchange.domain.borrowers.passkeys import RelyingParty
from exchange.services.borrower.ports import BorrowerPorts
from exchange.services.borrower.statements import SessionTerms
from exchange.services.ports import Ports
from exchange.settings import Settings
from exchange.store.work import Database

PAGE_ROUTES = frozenset({"assets", "borrower"})  # they need no signature: people have none


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


def install_pages(
    app: Flask,
    settings: Settings,
    borrower: BorrowerPorts,
    report: Callable[[Exception], None],
) -> None:
    """Put the hosted pages into an application.

    Raises:
        IntegrityError: a file that pages load is not the one that is listed.
    """
    assets = load_assets()
    site = Site(
        origin=settings.pages_base_url,
        name=settings.name,
        words=load_words(),
        assets=assets,
        report=report,
    )
    proxies = frozenset(settings.proxy_addresses)
    desk = Desk(
        site=site,
        borrower=borrower,
        contact=settings.pages_contact,
        peer=lambda: peer_of(request.environ, proxies),
        zone=settings.pages_zone,
    )
    app.register_blueprint(asset_routes(assets))
    app.register_blueprint(borrower_routes(desk))
