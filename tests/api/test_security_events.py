"""Security events: one row a refusal before the decision, never a stranger's text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from exchange.cli.main import app as operator
from exchange.domain.members import Role
from exchange.domain.security.events import EventFilter, SecurityEvent
from exchange.services.security.list_events import list_events
from exchange_client.core.asking import Question
from exchange_client.keys import KeyFile
from tests.support.borrowers import borrower
from tests.support.sandbox import Sandbox, make_sandbox
from tests.support.signed_requests import Draft, signed_headers

CANARY = "canary-7"


@pytest.fixture
def sandbox(database_url: str, tmp_path: Path) -> Iterator[Sandbox]:
    """An exchange without members."""
    made = make_sandbox(database_url, tmp_path, security_events_per_minute=5)
    yield made
    made.close()


def events(sandbox: Sandbox, member: str = "") -> list[SecurityEvent]:
    """Read what was kept so far."""
    sandbox.app.extensions["exchange.security"].flush()
    return list_events(EventFilter(since=0, member=member), sandbox.ports)


def send(sandbox: Sandbox, key: KeyFile, path: str, body: bytes, **headers: str) -> int:
    """Sign and send as a member; return the status."""
    draft = Draft(
        method="POST",
        target_uri=sandbox.settings.public_base_url + path,
        created=sandbox.ports.now(),
        body=body,
        content_type="application/json",
        keyid=key.keyid,
    )
    signed = signed_headers(draft, key.private)
    return sandbox.app.test_client().post(path, data=body, headers=signed | headers).status_code


def test_a_stranger_leaves_one_row_and_none_of_its_words(sandbox: Sandbox) -> None:
    """An attacker must be seen, and must not be able to write into the exchange's records."""
    headers = {
        "Cx-Request-Id": CANARY,
        "X-Forwarded-For": CANARY,
        "Signature": CANARY,
        "Signature-Input": CANARY,
        "Content-Type": "application/json",
        "User-Agent": CANARY,
    }

    refused = sandbox.app.test_client().post(
        f"/v1/queries?{CANARY}", data=CANARY.encode(), headers=headers
    )

    (event,) = events(sandbox)
    assert 401 == refused.status_code
    assert ("auth.signature", "/v1/queries", "none", "none", "none", "unknown", 8, 0) == (
        *(event.code, event.route, event.request_id, event.member, event.key, event.peer),
        *(event.body_bytes, event.dropped),
    )
    with psycopg.connect(sandbox.settings.libpq_url) as connection:
        row = connection.execute("SELECT security_event::text FROM security_event").fetchone()
    assert row
    assert CANARY not in row[0]


def test_a_known_member_stands_in_its_row_with_its_own_request_id(sandbox: Sandbox) -> None:
    """An operator who helps a member finds its refusal by the id that the member has."""
    key = sandbox.enrol("lender-a")

    status = send(sandbox, key, "/v1/queries", b'{"a":1,"a":2}', **{"Cx-Request-Id": "case-7"})

    (event,) = events(sandbox, member="lender-a")
    assert (400, "request.duplicate_field") == (status, event.code)
    assert ("/v1/queries", "case-7", "k1", "127.0.0.1", 13) == (
        *(event.route, event.request_id, event.key, event.peer, event.body_bytes),
    )


@pytest.mark.parametrize("roles", [(Role.CONTRIBUTOR,), (Role.REGULATOR,)])
def test_a_member_beyond_its_role_is_kept(sandbox: Sandbox, roles: tuple[Role, ...]) -> None:
    """Who tries doors that are not its own is whom an operator wants to know."""
    key = sandbox.enrol("lender-b", *roles)

    status = send(sandbox, key, "/v1/queries", b"{}")

    assert (403, ["auth.role"]) == (status, [event.code for event in events(sandbox)])


def test_a_replay_is_kept(sandbox: Sandbox) -> None:
    """A captured request that is sent again is an attack, whoever sends it."""
    key = sandbox.enrol("lender-a")
    draft = Draft(
        method="GET",
        target_uri=f"{sandbox.settings.public_base_url}/v1/purposes",
        created=sandbox.ports.now(),
        keyid=key.keyid,
    )
    headers = signed_headers(replace(draft, nonce="n" * 22), key.private)
    client = sandbox.app.test_client()

    statuses = [client.get("/v1/purposes", headers=headers).status_code for _ in range(2)]

    assert ([200, 409], ["auth.replayed"]) == (statuses, [one.code for one in events(sandbox)])


def test_what_is_answered_leaves_no_row(sandbox: Sandbox) -> None:
    """A table of attacks in which every good request stands shows no attack."""
    key = sandbox.enrol("lender-a")
    with sandbox.exchange(key) as exchange:
        exchange.ask(Question(identifiers=(borrower(1),), purpose="credit_application"))
    sandbox.app.test_client().get("/healthz")
    sandbox.app.test_client().get("/.well-known/cx-exchange")

    assert [] == events(sandbox)


def test_a_flood_is_cut_and_its_rest_is_counted(sandbox: Sandbox) -> None:
    """Neither the disk nor the good requests pay for it, and nothing is forgotten."""
    client = sandbox.app.test_client()

    for _ in range(20):
        client.get("/v1/purposes")
    sandbox.app.extensions["exchange.security"].close()

    found = list_events(EventFilter(since=0), sandbox.ports)
    assert [0] * 5 + [14] == [event.dropped for event in found]


def test_the_operator_reads_them(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What nobody can read was not worth writing."""
    monkeypatch.setenv("EXCHANGE_DATABASE_URL", sandbox.settings.libpq_url)
    monkeypatch.setenv("EXCHANGE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("EXCHANGE_SANDBOX", "true")
    sandbox.app.test_client().get("/v1/purposes")
    sandbox.app.test_client().get("/wp-admin")
    sandbox.app.extensions["exchange.security"].flush()

    shown = CliRunner().invoke(operator, ["security", "events", "--code", "absent"])

    assert 0 == shown.exit_code, shown.output
    (line,) = shown.stdout.splitlines()
    assert "absent  none  none  127.0.0.1  0 B" in line
