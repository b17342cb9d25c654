"""Build the application that is served: settings in, a Flask application out.

Pools and keys are made when the application is made, so in each server process after the fork.
"""

from __future__ import annotations

from flask import Flask

from exchange import settings as settings_module
from exchange.api.audit import audit_routes
from exchange.api.batches.routes import batch_routes
from exchange.api.disbursements import disbursement_routes
from exchange.api.discovery import discovery_routes
from exchange.api.disputes.opening import dispute_routes
from exchange.api.disputes.stating import statement_routes
from exchange.api.disputes.stepping import dispute_step_routes
from exchange.api.edge.application import Application
from exchange.api.edge.blueprints import Api
from exchange.api.edge.guard import API_VERSION, Edge, EdgePorts
from exchange.api.edge.transport import BodyLimits
from exchange.api.events import event_routes
from exchange.api.grant_requests import grant_request_routes
from exchange.api.grants.changing import change_routes
from exchange.api.grants.evidence import evidence_routes
from exchange.api.grants.notices import notice_routes
from exchange.api.grants.ordering import order_routes
from exchange.api.grants.registering import grant_routes
from exchange.api.log import log_routes
from exchange.api.ops import observe, ops_routes
from exchange.api.queries import query_routes
from exchange.api.receipts import receipt_routes
from exchange.api.records import record_routes
from exchange.api.reports import report_routes
from exchange.api.staff import staff_routes
from exchange.api.statuses import status_routes
from exchange.api.tokens import token_routes
from exchange.api.watches import watch_routes
from exchange.api.webhooks import webhook_routes
from exchange.app.counsel import check_counsel
from exchange.app.edge import edge_ports, make_paging, ops_ports
from exchange.app.outward import watch_ports, webhook_ports
from exchange.app.pages import (
    PAGE_ROUTES,
    borrower_ports,
    install_console,
    install_pages,
    make_site,
)
from exchange.app.ports import (
    make_audit_ports,
    make_ports,
    open_database,
    witness_policy,
)
from exchange.app.security import security_writer
from exchange.services.log.ports import LogPorts
from exchange.services.log.show_log import ShowPorts
from exchange.services.ports import Ports
from exchange.settings import Settings
from exchange.store.work import Database

OPEN_ROUTES = frozenset({"access_log", "discovery", "ops"}) | PAGE_ROUTES


def create_app(settings: Settings | None = None) -> Flask:
    """Build the application of one server process.

    Raises:
        SettingsError: the settings or the keyring are refused.
    """
    settings = settings or settings_module.load()
    check_counsel(settings)
    database = open_database(settings)
    ports = make_ports(settings, database)
    app = Application("exchange")
    security = security_writer(settings, ports)
    app.extensions |= {"exchange.database": database, "exchange.security": security}
    edge = _edge(settings, edge_ports(settings, database, ports, security))
    observe(app)
    edge.install(app)
    api = Api(app, edge, version=API_VERSION)
    _add_member_routes(api, settings, ports)
    _add_log_routes(api, settings, ports, database)
    borrower = borrower_ports(settings, database, ports)
    api.register_blueprint(grant_request_routes(borrower))
    site = make_site(settings, edge.note)
    install_pages(app, settings, borrower, site)
    audit_ports = make_audit_ports(settings, ports, database)
    console = install_console(app, settings, borrower, site, audit_ports)
    app.extensions["exchange.console"] = console
    api.register_blueprint(audit_routes(audit_ports, make_paging(settings, ports)))
    app.register_blueprint(ops_routes(ops_ports(settings, ports, api)))
    return app


def _edge(settings: Settings, ports: EdgePorts) -> Edge:
    return Edge(
        ports,
        public_base=settings.public_base_url,
        limits=BodyLimits(
            json_bytes_max=settings.json_body_bytes_max,
            query_lines_bytes_max=settings.query_batch_body_bytes_max,
            record_file_bytes_max=settings.batch_body_bytes_max,
        ),
        open_routes=OPEN_ROUTES,
    )


def _add_member_routes(api: Api, settings: Settings, ports: Ports) -> None:
    paging = make_paging(settings, ports)
    api.register_blueprint(discovery_routes(ports, published_limits(settings)))
    api.register_blueprint(token_routes(ports, elements_max=settings.token_elements_max))
    api.register_blueprint(query_routes(ports, queries_max=settings.query_batch_queries_max))
    api.register_blueprint(grant_routes(ports))
    api.register_blueprint(change_routes(ports))
    api.register_blueprint(order_routes(ports))
    api.register_blueprint(evidence_routes(ports))
    api.register_blueprint(notice_routes(ports))
    api.register_blueprint(event_routes(ports, paging))
    api.register_blueprint(status_routes(ports))
    api.register_blueprint(webhook_routes(webhook_ports(settings, ports), paging))
    api.register_blueprint(watch_routes(watch_ports(settings, ports), paging))
    api.register_blueprint(batch_routes(ports))
    api.register_blueprint(record_routes(ports))
    api.register_blueprint(staff_routes(ports))
    api.register_blueprint(dispute_routes(ports, paging))
    api.register_blueprint(dispute_step_routes(ports))
    api.register_blueprint(statement_routes(ports))
    api.register_blueprint(report_routes(ports, paging))


def _add_log_routes(api: Api, settings: Settings, ports: Ports, database: Database) -> None:
    """Register what shows the log, proves its leaves, and ties loans to them."""
    log_ports = LogPorts(ports=ports, begin=database.begin, policy=witness_policy(settings))
    api.register_blueprint(receipt_routes(log_ports))
    shown = ShowPorts(log_ports=log_ports, open=settings.log_access == "open")
    api.register_blueprint(log_routes(shown))
    api.register_blueprint(disbursement_routes(ports))


def published_limits(settings: Settings) -> dict[str, int]:
    """Return the limits that the description tells members."""
    return {
        "token_elements_max": settings.token_elements_max,
        "query_batch_queries_max": settings.query_batch_queries_max,
        "batch_rows_max": settings.batch_rows_max,
        "batch_file_bytes_max": settings.batch_file_bytes_max,
        "batch_part_bytes_max": settings.batch_part_bytes_max,
        "evaluations_per_day": settings.evaluations_per_day,
        "export_entries_max": settings.export_entries_max,
    }
