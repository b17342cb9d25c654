"""The composition root: settings in, a served application out. Every concrete class is picked here.

Pools and keys are made when the application is made, so in each server process after the fork.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import lru_cache

from flask import Flask

from consent.profiles import load_profile
from exchange import settings as settings_module
from exchange.api.auth import Authenticator, Caller
from exchange.api.batches import batch_routes
from exchange.api.blueprints import Api
from exchange.api.discovery import discovery_routes
from exchange.api.edge import API_VERSION, Edge, EdgePorts
from exchange.api.grants import grant_routes
from exchange.api.ops import OpsPorts, observe, ops_routes, report
from exchange.api.queries import query_routes
from exchange.api.receipts import receipt_routes
from exchange.api.records import record_routes
from exchange.api.tokens import token_routes
from exchange.api.transport import BodyLimits
from exchange.crypto.keyring import Keyring, Use, load_keyring
from exchange.crypto.messages import Window
from exchange.crypto.oprf import Evaluator
from exchange.crypto.responses import ResponseSigner
from exchange.crypto.sealing import Sealer
from exchange.domain.members import MemberKey
from exchange.errors import ReplayedRequest, SignatureError, UnavailableError
from exchange.services.log_ports import LogPorts, SequencePorts
from exchange.services.ports import Ports, Terms, log_origin
from exchange.settings import Settings
from exchange.store.checkpoint_file import CheckpointFiles
from exchange.store.health import look
from exchange.store.log import LogDatabase
from exchange.store.work import Database

KEY_SECONDS_MAX = 2  # how long a worker may go by a key's roles as it read them
OPEN_ROUTES = frozenset({"discovery", "ops"})


def create_app(settings: Settings | None = None) -> Flask:
    """Build the application of one server process.

    Raises:
        SettingsError: the settings or the keyring are refused.
    """
    settings = settings or settings_module.load()
    database = open_database(settings)
    ports = make_ports(settings, database)
    app = Flask("exchange", static_folder=None)
    app.extensions["exchange.database"] = database
    edge = Edge(
        _edge_ports(settings, database, ports),
        public_base=settings.public_base_url,
        limits=BodyLimits(
            json_bytes_max=settings.json_body_bytes_max,
            query_lines_bytes_max=settings.query_batch_body_bytes_max,
            record_lines_bytes_max=settings.batch_file_bytes_max,
        ),
        open_routes=OPEN_ROUTES,
    )
    observe(app)
    edge.install(app)
    api = Api(app, edge, version=API_VERSION)
    api.register_blueprint(discovery_routes(ports, published_limits(settings)))
    api.register_blueprint(token_routes(ports, elements_max=settings.token_elements_max))
    api.register_blueprint(query_routes(ports, queries_max=settings.query_batch_queries_max))
    api.register_blueprint(grant_routes(ports))
    api.register_blueprint(batch_routes(ports))
    api.register_blueprint(record_routes(ports))
    api.register_blueprint(receipt_routes(LogPorts(ports=ports, begin=database.begin)))
    app.register_blueprint(ops_routes(_ops_ports(settings, ports, api)))
    return app


def open_database(settings: Settings) -> Database:
    """Make this process's pool of connections."""
    database = Database(
        settings.libpq_url,
        connections_max=settings.pool_connections_max,
        wait_seconds=settings.pool_wait_ms_max / 1_000,
        statement_ms_max=settings.statement_ms_max,
        lock_wait_ms_max=settings.lock_wait_ms_max,
    )
    database.open()
    return database


def make_ports(settings: Settings, database: Database) -> Ports:
    """Gather what the services may touch.

    Raises:
        SettingsError: the keyring is absent, readable by others, or not a whole keyring.
    """
    keyring = load_keyring(settings.keyring_file)
    return Ports(
        now=lambda: int(time.time()),
        now_ms=lambda: time.time_ns() // 1_000_000,
        random_bytes=os.urandom,
        begin=database.begin,
        log_id=_log_ids(settings, database),
        keyring=keyring,
        sealer=Sealer(keyring),
        evaluators=_evaluators(keyring),
        terms=Terms(
            issuer=settings.issuer,
            name=settings.name,
            public_base=settings.public_base_url,
            domain=settings.origin_domain,
            profile=load_profile(settings.profile),
            evaluations_per_day=settings.evaluations_per_day,
            queries_per_operator_hour=settings.queries_per_operator_hour,
            queries_per_subject_day=settings.queries_per_subject_day,
            uploads_per_day=settings.uploads_per_day,
            log_late_seconds_max=settings.log_late_seconds_max,
            batch_rows_max=settings.batch_rows_max,
            fault_share_percent_max=settings.fault_share_percent_max,
        ),
    )


def make_log_ports(
    settings: Settings, ports: Ports, log_database: LogDatabase
) -> tuple[LogPorts, SequencePorts]:
    """Gather what the sequencer may touch: a connection of its own, and the outside checkpoint."""
    return (
        LogPorts(ports=ports, begin=log_database.begin),
        SequencePorts(
            now=ports.now,
            begin=log_database.begin,
            outside=CheckpointFiles(settings.checkpoint_file).hold,
            signer=ports.keyring,
            rows_max=settings.sequence_rows_max,
        ),
    )


def published_limits(settings: Settings) -> dict[str, int]:
    """Return the limits that the description tells members."""
    return {
        "token_elements_max": settings.token_elements_max,
        "query_batch_queries_max": settings.query_batch_queries_max,
        "batch_rows_max": settings.batch_rows_max,
        "batch_file_bytes_max": settings.batch_file_bytes_max,
        "evaluations_per_day": settings.evaluations_per_day,
    }


def _edge_ports(settings: Settings, database: Database, ports: Ports) -> EdgePorts:
    kept: dict[tuple[str, str], tuple[int, MemberKey]] = {}

    def find_key(member: str, key: str) -> MemberKey | None:
        """Find a key, a moment old at most: whoever spends the nonce reads its standing again."""
        now = ports.now()
        known = kept.get((member, key))
        if known and now - known[0] < KEY_SECONDS_MAX:
            return known[1]
        with database.begin() as work:
            found = work.members.find_key(member, key)
        if found:  # A stranger's name takes no room here.
            kept[member, key] = (now, found)
        return found

    def spend_nonce(caller: Caller) -> None:
        with database.begin() as work:
            fresh, live = work.members.spend_nonce(caller.asker, ports.now())
            work.commit()
        if not fresh:
            raise ReplayedRequest
        if not live:
            raise SignatureError

    keyring = ports.keyring
    return EdgePorts(
        authenticator=Authenticator(
            find_key=find_key,
            now=ports.now,
            window=Window(
                age_seconds_max=settings.created_past_seconds_max,
                ahead_seconds_max=settings.created_ahead_seconds_max,
            ),
        ),
        spend_nonce=spend_nonce,
        signer=ResponseSigner(keyid=keyring.kid(Use.RESPONSE), sign=keyring.signer(Use.RESPONSE)),
        now=ports.now,
        new_request_id=lambda: os.urandom(12).hex(),
        report=report,
    )


def _ops_ports(settings: Settings, ports: Ports, api: Api) -> OpsPorts:
    def readiness() -> dict[str, str]:
        found = look(settings.libpq_url)
        late = found is None or ports.now() - found.covered_until > settings.log_late_seconds_max
        return {
            "database": "ok" if found else "does not answer",
            "schema": "ok" if found and found.schema_current else "not at this version",
            "keys": "ok",  # without them this process would not have started
            "sequencer": "late" if late else "ok",
        }

    def gauges() -> dict[str, int]:
        found = look(settings.libpq_url)
        if found is None:
            return {"cx_database_up": 0}
        oldest = found.oldest_unsequenced_at
        return {
            "cx_database_up": 1,
            "cx_log_size": found.log_size,
            "cx_log_unsequenced": found.unsequenced,
            "cx_log_unsequenced_age_seconds": max(0, ports.now() - oldest) if oldest else 0,
            "cx_log_covered_age_seconds": max(0, ports.now() - found.covered_until),
        }

    return OpsPorts(
        readiness=readiness,
        gauges=gauges,
        openapi=api.spec.to_dict,
        trusted=frozenset(settings.metrics_addresses),
        proxies=frozenset(settings.proxy_addresses),
    )


def _evaluators(keyring: Keyring) -> Callable[[str], Evaluator]:
    @lru_cache(maxsize=8)
    def evaluator(epoch: str) -> Evaluator:
        return Evaluator.from_seed(keyring.evaluator_seed(epoch), epoch)

    return evaluator


def _log_ids(settings: Settings, database: Database) -> Callable[[int], int]:
    @lru_cache(maxsize=4)
    def by_origin(origin: str) -> int:
        with database.begin() as work:
            found = work.log.find_log(origin)
        if found is None:
            raise UnavailableError(f"the log {origin} is not open yet; start the sequencer")
        return found

    return lambda now: by_origin(log_origin(settings.origin_domain, now))
