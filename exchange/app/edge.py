"""What the edge of the API and the operator's routes need, made of ports and settings."""

from __future__ import annotations

import os

from exchange import telemetry
from exchange.api.edge.auth import Authenticator, Caller
from exchange.api.edge.blueprints import Api
from exchange.api.edge.flights import Flights
from exchange.api.edge.guard import EdgePorts
from exchange.api.edge.paging import Paging
from exchange.api.edge.problems import Refusal
from exchange.api.ops import OpsPorts, report
from exchange.app.ports import witness_policy
from exchange.app.security import SecurityWriter
from exchange.crypto.keyring import Use
from exchange.crypto.messages import Window
from exchange.crypto.responses import ResponseSigner
from exchange.domain.log.policies import NO_QUORUM, Policy
from exchange.domain.members import MemberKey
from exchange.errors import ReplayedRequest, SignatureError
from exchange.services.log.show_log import QUORUM_SECONDS_MAX
from exchange.services.ports import Ports
from exchange.settings import Settings
from exchange.store.health import Health, look
from exchange.store.work import Database

KEY_SECONDS_MAX = 2  # how long a worker may go by a key's roles as it read them


def edge_ports(
    settings: Settings, database: Database, ports: Ports, security: SecurityWriter
) -> EdgePorts:
    """Gather what the edge needs: live keys, nonces, the key that signs responses."""
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

    def note(refusal: Refusal) -> None:
        report(refusal)
        security.note(refusal)

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
        report=note,
        flights=Flights(flights_max=settings.in_flight_max),
        proxies=frozenset(settings.proxy_addresses),
    )


def ops_ports(settings: Settings, ports: Ports, api: Api) -> OpsPorts:
    """Gather what the operator's routes tell."""

    policy = witness_policy(settings)

    def readiness() -> dict[str, str]:
        found = look(settings.libpq_url, ports.now())
        off = abs(ports.now() - found.covered_until) if found else 0
        late = found is None or off > settings.log_late_seconds_max
        return {
            "database": "ok" if found else "does not answer",
            "schema": "ok" if found and found.schema_current else "not at this version",
            "keys": "ok",  # without them this process would not have started
            "sequencer": "late" if late else "ok",
        }

    def gauges() -> dict[str, float]:
        found = look(settings.libpq_url, ports.now())
        if found is None:
            return {"cx_database_up": 0}
        oldest = found.oldest_unsequenced_at
        return {
            "cx_database_up": 1,
            "cx_log_size": found.log_size,
            "cx_log_unsequenced": found.unsequenced,
            "cx_log_unsequenced_age_seconds": max(0, ports.now() - oldest) if oldest else 0,
            "cx_log_covered_age_seconds": max(0, ports.now() - found.covered_until),
            "cx_log_receipts_unredeemed": found.unredeemed,
            **witnessed(found, policy, ports.now()),
            **dict.fromkeys(telemetry.FROM_ZERO, 0),
            **found.meters,
        }

    return OpsPorts(
        readiness=readiness,
        gauges=gauges,
        openapi=api.document,
        trusted=frozenset(settings.metrics_addresses),
        proxies=frozenset(settings.proxy_addresses),
    )


def witnessed(found: Health, policy: Policy, now: int) -> dict[str, int]:
    """Tell how old the newest checkpoint and each witness's word are. Source: log.md, 9."""
    late = abs(now - found.quorum_at) > QUORUM_SECONDS_MAX
    gauges = {
        "cx_log_checkpoint_age_seconds": max(0, now - found.checkpoint_at),
        "cx_log_quorum_missing": int(policy.quorum != NO_QUORUM and late),
    }
    for witness in policy.witnesses:
        name = witness.key.name
        age = max(0, now - found.cosigned_at.get(name, 0))
        gauges[f'cx_log_cosignature_age_seconds{{witness="{name}"}}'] = age
        gauges[f'{telemetry.WITNESS_STATUS}{{status="200",witness="{name}"}}'] = 0
    return gauges


def make_paging(settings: Settings, ports: Ports) -> Paging:
    """Gather what lists need to be cut into pages."""
    return Paging(
        mac=ports.keyring.cursor_mac,
        now=ports.now,
        rows_default=settings.page_rows_default,
        rows_max=settings.page_rows_max,
        cursor_life_seconds=settings.cursor_life_seconds,
    )
