"""What an operator asks of a running server, and what strangers learn: that the process lives."""

from __future__ import annotations

from dataclasses import replace

import psycopg
import pytest
from flask.testing import FlaskClient

from exchange import telemetry
from exchange.app.edge import witnessed
from exchange.domain.log.policies import parse_policy
from exchange.jobs.meters import Meters
from exchange.store.health import Health
from tests.support.grant_desk import GrantDesk, answer_claims
from tests.support.sandbox import Sandbox
from tests.support.signed_log import WITNESSES, policy_text

STRANGER = {"REMOTE_ADDR": "203.0.113.9"}
HIDDEN = ("/readyz", "/metrics", "/openapi.json")


@pytest.fixture
def client(sandbox: Sandbox) -> FlaskClient:
    """A client on this machine."""
    return sandbox.app.test_client()


@pytest.fixture
def desk(sandbox: Sandbox) -> GrantDesk:
    """The desk of one lender."""
    return GrantDesk(sandbox=sandbox, key=sandbox.enrol("member-a"))


def test_a_healthy_exchange_is_ready_in_every_part(sandbox: Sandbox, client: FlaskClient) -> None:
    """A proxy sends queries only where they can be answered."""
    sandbox.sequence()

    response = client.get("/readyz")

    assert 200 == response.status_code
    assert {"database": "ok", "schema": "ok", "keys": "ok", "sequencer": "ok"} == response.json


def test_a_late_sequencer_turns_only_its_own_line(
    sandbox: Sandbox, client: FlaskClient, database_url: str
) -> None:
    """The operator who is woken must see which part to look at."""
    sandbox.sequence()
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE log_state SET covered_until = covered_until - 301")

    response = client.get("/readyz")

    assert 503 == response.status_code
    assert {"database": "ok", "schema": "ok", "keys": "ok", "sequencer": "late"} == response.json


def test_another_schema_is_told(sandbox: Sandbox, client: FlaskClient, database_url: str) -> None:
    """Code on a schema that it does not know must not be sent queries."""
    with psycopg.connect(database_url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS alembic_version (version_num text)")
        connection.execute("DELETE FROM alembic_version")
        connection.execute("INSERT INTO alembic_version VALUES ('0000')")

    response = client.get("/readyz")

    assert (503, "not at this version") == (response.status_code, (response.json or {})["schema"])


def test_metrics_count_requests_and_tell_how_the_log_stands(
    sandbox: Sandbox, client: FlaskClient
) -> None:
    """A late log is seen before members see it."""
    sandbox.sequence()
    client.get("/v1/purposes")

    text = client.get("/metrics").text

    assert "\ncx_database_up 1\n" in text
    assert "\ncx_log_unsequenced 0\n" in text
    assert 'cx_refusals_total{code="auth.signature"}' in text
    assert "cx_requests_total{" in text


def gauge(client: FlaskClient, name: str) -> int:
    """Return what a metric says now."""
    lines = client.get("/metrics").text.splitlines()
    return int(float(next(one for one in lines if one.startswith(f"{name} ")).split()[-1]))


def test_metrics_tell_how_old_the_newest_checkpoint_is(
    sandbox: Sandbox, client: FlaskClient, database_url: str
) -> None:
    """A sequencer that turns and signs nothing is seen by nobody else."""
    sandbox.sequence()
    young = gauge(client, "cx_log_checkpoint_age_seconds")
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE checkpoint SET signed_at = signed_at - 500")

    assert 500 <= gauge(client, "cx_log_checkpoint_age_seconds") - young < 600
    assert 0 == gauge(client, "cx_log_quorum_missing")  # No policy asks for one.
    assert 0 <= gauge(client, "cx_log_proofs_total")


def test_metrics_tell_which_witness_is_silent_and_whether_the_quorum_is_missing() -> None:
    """Receipts stop becoming final, and nobody knows whom to call."""
    policy = parse_policy(policy_text(quorum="two"))
    name = WITNESSES[0].key.name
    found = Health(
        schema_current=True,
        log_size=1,
        covered_until=1_000,
        unsequenced=0,
        oldest_unsequenced_at=0,
        checkpoint_at=990,
        quorum_at=969,
        cosigned_at={name: 980},
    )

    missing = witnessed(found, policy, 1_000)

    assert 10 == missing["cx_log_checkpoint_age_seconds"]
    assert 20 == missing[f'cx_log_cosignature_age_seconds{{witness="{name}"}}']
    assert 1_000 == missing[f'cx_log_cosignature_age_seconds{{witness="{WITNESSES[1].key.name}"}}']
    assert 1 == missing["cx_log_quorum_missing"]
    assert 0 == witnessed(replace(found, quorum_at=970), policy, 1_000)["cx_log_quorum_missing"]


def test_metrics_show_what_the_processes_beside_the_server_count(
    sandbox: Sandbox, client: FlaskClient
) -> None:
    """A witness that refuses, or a log that was refused, is counted where nobody scrapes."""
    counts = Meters(sandbox.database.begin)
    for status in (200, 200, 422):
        counts.add(telemetry.WITNESS_STATUS, labels=f'status="{status}",witness="w.example/w"')
    counts.observe(telemetry.TURN_SECONDS, 0.25)
    counts.write()
    assert f"\n{telemetry.TURN_SECONDS}_sum 0\n" in client.get("/metrics").text  # Not yet due.
    counts.write(now=True)
    counts.write(now=True)
    counts.observe(telemetry.TURN_SECONDS, 0.5)
    counts.write(now=True)

    told = client.get("/metrics").text

    assert '\ncx_log_witness_status_total{status="422",witness="w.example/w"} 1\n' in told
    assert '\ncx_log_witness_status_total{status="200",witness="w.example/w"} 2\n' in told
    assert 1 == told.count(f"\n# TYPE {telemetry.TURN_SECONDS} summary\n")
    assert f"\n{telemetry.TURN_SECONDS}_sum 0.75\n" in told
    assert f"\n{telemetry.TURN_SECONDS}_count 2\n" in told
    assert "\n# TYPE cx_log_witness_status_total counter\n" in told
    assert 0 == gauge(client, "cx_log_receipts_unredeemed")


def test_answers_whose_proof_nobody_fetched_are_counted(desk: GrantDesk) -> None:
    """A lender that never fetches a proof could not show that it asked."""
    client = desk.sandbox.app.test_client()
    claims = [answer_claims(desk.ask(desk.granted(subject), subject)) for subject in (1, 2)]
    assert 2 == gauge(client, "cx_log_receipts_unredeemed")

    desk.opened(str(claims[0]["leaf"]))

    assert 1 == gauge(client, "cx_log_receipts_unredeemed")


@pytest.mark.parametrize("path", HIDDEN)
def test_a91_a_stranger_learns_only_that_the_process_lives(client: FlaskClient, path: str) -> None:
    """Sizes, versions and routes help whoever looks for a way in."""
    response = client.get(path, environ_base=STRANGER)

    assert (404, "absent") == (response.status_code, (response.json or {})["code"])
    assert {"status": "alive"} == client.get("/healthz", environ_base=STRANGER).json


@pytest.mark.parametrize("path", HIDDEN)
def test_a91_a_stranger_behind_the_proxy_stays_a_stranger(client: FlaskClient, path: str) -> None:
    """Behind a proxy every peer has the proxy's address."""
    response = client.get(path, headers={"X-Forwarded-For": "127.0.0.1, 203.0.113.9"})

    assert 404 == response.status_code


def test_a91_a_stranger_cannot_name_itself(client: FlaskClient) -> None:
    """Only our own proxies are believed about who asks."""
    response = client.get(
        "/metrics", headers={"X-Forwarded-For": "127.0.0.1"}, environ_base=STRANGER
    )

    assert 404 == response.status_code


def test_every_answer_names_its_request(client: FlaskClient) -> None:
    """A member who complains hands over an id by which the operator finds the line."""
    own = client.get("/healthz", headers={"Cx-Request-Id": "abc-123"})
    made = client.get("/healthz")

    assert "abc-123" == own.headers["Cx-Request-Id"]
    assert 24 == len(made.headers["Cx-Request-Id"])
