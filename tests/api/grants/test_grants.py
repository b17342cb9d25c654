"""Grants over HTTP: registered once, shown to their member alone, ended at once."""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from consent.purposes import GRANT_PURPOSES, Purpose
from exchange.domain.members import Algorithm, NewKey, Role
from exchange.services.members.manage_members import add_key
from exchange_client.keys import Algorithm as KeyAlgorithm
from exchange_client.keys import KeyFile
from tests.support.artefacts import DAY_SECONDS, artefact_claims, grant_id
from tests.support.grant_desk import ABSENT_GRANT, GrantDesk, refusal, shown
from tests.support.sandbox import Sandbox
from tests.support.signed_requests import sign


@pytest.fixture
def other(sandbox: Sandbox) -> GrantDesk:
    """The desk of another lender."""
    return GrantDesk(sandbox=sandbox, key=sandbox.enrol("member-b"))


def test_a_registered_grant_is_shown_as_it_was_agreed(desk: GrantDesk) -> None:
    """A lender sees at once what its consent is good for."""
    jti = grant_id(desk.now)

    response = desk.register(desk.artefact(jti=jti))

    grant = shown(response)
    assert grant.keys() >= {"leaf", "registered_at", "status_list"}
    assert grant | {"leaf": "", "registered_at": 0, "status_list": {}} == {
        "grant_id": jti,
        "purpose": "credit_application",
        "state": "ACTIVE",
        "level": 1,
        "not_before": desk.now,
        "expires": desk.now + 30 * DAY_SECONDS,
        "uses": 0,
        "max_uses": 1,
        "window_start": 0,
        "window_uses": 0,
        "epoch": "ep_1",
        "chain_id": jti,
        "policy": "cn@1",
        "leaf": "",
        "registered_at": 0,
        "status_list": {},
    }
    assert grant == shown(desk.send("GET", f"/v1/grants/{jti}"))
    assert "Cx-Replayed" not in response.headers


@pytest.mark.parametrize(
    "purpose", sorted(GRANT_PURPOSES - {Purpose.COLLECTIONS, Purpose.FRAUD_PREVENTION})
)
def test_a_grant_of_every_open_purpose_registers(desk: GrantDesk, purpose: str) -> None:
    """Whatever the profile opens can be agreed to, reporting as well as looking."""
    grant = shown(desk.register(desk.artefact(purpose=purpose)))

    assert (purpose, "ACTIVE") == (grant["purpose"], grant["state"])


def test_each_event_of_a_grant_is_a_leaf_that_names_it(desk: GrantDesk) -> None:
    """An auditor finds when a borrower agreed, when that ended, and under which rules."""
    artefact = desk.artefact()
    registered = shown(desk.register(artefact))
    grant = str(registered["grant_id"])
    desk.end(grant, "withdraw", {"channel": "call", "acted_at": desk.now - 60})
    ended = desk.sql("SELECT leaf_hash FROM grant_event WHERE event = 'withdraw'")[0][0]
    assert isinstance(ended, bytes)

    first = desk.opened(str(registered["leaf"]))
    second = desk.opened(base64.urlsafe_b64encode(ended).rstrip(b"=").decode())

    pseudonym = first["subject"]["subject"]
    for number, (said, event) in enumerate([(first, "register"), (second, "withdraw")], 1):
        assert said["subject"] | {"t": 0} == {
            "kind": "grant",
            "t": 0,
            "member": "member-a",
            "purpose": "credit_application",
            "event": event,
            "subject": pseudonym,
            "subject_seq": number,
        }
    digest = first["audit"]["artefact_sha256"]
    common = {"grant": grant, "level": 1, "policy": "cn@1", "key": desk.key.keyid}
    assert first["audit"] == {**common, "artefact_sha256": digest}
    assert second["audit"] == {**common, "artefact_sha256": digest, "reason": "relay.call"}


def test_the_artefact_is_kept_byte_for_byte(desk: GrantDesk) -> None:
    """Years later the signature can still be checked over the very bytes that were signed."""
    artefact = desk.artefact()

    desk.register(artefact)

    assert [(artefact.encode(), desk.key.keyid, "cn@1")] == desk.sql(
        "SELECT artefact, kid, policy FROM grant_artefact"
    )


def test_the_same_artefact_again_is_the_same_grant(desk: GrantDesk) -> None:
    """A lender whose line broke sends again and gets the first answer, and no second leaf."""
    artefact = desk.artefact()
    first = desk.register(artefact)

    second = desk.register(artefact)

    assert shown(first) == shown(second)
    assert "true" == second.headers["Cx-Replayed"]
    assert 1 == desk.leaves()


def test_the_same_artefact_sent_eight_times_at_once_is_one_grant(desk: GrantDesk) -> None:
    """Workers that race to register one consent do not make it two."""
    artefact = desk.artefact()

    with ThreadPoolExecutor(8) as pool:
        responses = list(pool.map(lambda _: desk.register(artefact), range(8)))

    assert 1 == len({json.dumps(shown(response)) for response in responses})
    assert (1, 7) == (
        desk.leaves(),
        sum(response.headers.get("Cx-Replayed") == "true" for response in responses),
    )


def test_an_id_used_for_another_artefact_is_a_conflict(desk: GrantDesk) -> None:
    """A consent cannot be swapped for another under its own name."""
    jti = grant_id(desk.now)
    desk.register(desk.artefact(jti=jti))

    other_bytes = desk.register(desk.artefact(jti=jti, changes={"bundle": "bnd_2"}))
    other_subject = desk.register(desk.artefact(jti=jti), subject=2)

    conflict = (409, "grant.conflict", "/artefact")
    assert [conflict, conflict] == [refusal(other_bytes), refusal(other_subject)]
    assert 1 == desk.leaves()


def test_two_members_may_use_one_id(desk: GrantDesk, other: GrantDesk) -> None:
    """Nobody can occupy another member's grant ids."""
    jti = grant_id(desk.now)

    states = [shown(one.register(one.artefact(jti=jti)))["state"] for one in (desk, other)]

    assert ["ACTIVE", "ACTIVE"] == states


def test_a_p256_key_signs_artefacts_too(desk: GrantDesk) -> None:
    """A member whose HSM has no Ed25519 registers its consents all the same."""
    key = KeyFile.generate("member-a", key="p1", algorithm=KeyAlgorithm.ECDSA_P256)
    assert isinstance(key.private, EllipticCurvePrivateKey)
    validity = {"not_before": desk.now - 60, "not_after": desk.now + DAY_SECONDS}
    add_key(
        "member-a",
        NewKey(key="p1", algorithm=Algorithm.ECDSA_P256, public_key=key.public_key, **validity),
        desk.sandbox.ports,
    )
    claims = artefact_claims(member="member-a", exchange=desk.sandbox.settings.issuer, now=desk.now)
    head = {"alg": "ES256", "kid": "member-a/p1", "typ": "cx-grant+jws"}
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (head, claims)
    ]
    signature = base64.urlsafe_b64encode(sign(key.private, b".".join(parts))).rstrip(b"=")

    grant = shown(desk.register(b".".join([*parts, signature]).decode()))

    assert "ACTIVE" == grant["state"]


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("evidence", {"level": 2, "type": "borrower_passkey"}, "grant.policy"),
        ("supersedes", "gnt_0192000000007000800000000000000a", "grant.cross_field"),
        ("purpose", "collections", "grant.policy"),
        ("jurisdiction", "KE", "grant.policy"),
        ("aud", "cx_other", "grant.cross_field"),
        ("grantee", "member-b", "grant.cross_field"),
        ("subject/commit", "x", "grant.schema"),
        ("name", "Zhang San", "grant.schema"),
    ],
)
def test_a_refused_artefact_leaves_nothing(
    desk: GrantDesk, path: str, value: object, code: str
) -> None:
    """A lender learns the step and the field; the exchange keeps no trace of what it refused."""
    response = desk.register(desk.artefact(changes={path: value}))

    status, found, pointer = refusal(response)
    assert (422, code) == (status, found)
    assert pointer.startswith("/artefact")
    assert "Zhang" not in response.text
    assert [(0, 0)] == desk.sql(
        "SELECT (SELECT count(*) FROM grants), (SELECT count(*) FROM grant_artefact)"
    )
    assert 0 == desk.leaves()


def test_a_contributor_may_register_reporting_but_no_looking(sandbox: Sandbox) -> None:
    """A member gets no permission that its role could not use."""
    key = sandbox.enrol("member-c", Role.CONTRIBUTOR)
    desk = GrantDesk(sandbox=sandbox, key=key)

    reporting = desk.register(desk.artefact(purpose=Purpose.CONTRIBUTE))
    looking = desk.register(desk.artefact())

    assert "ACTIVE" == shown(reporting)["state"]
    assert (422, "grant.policy", "/artefact/purpose") == refusal(looking)


def test_a_regulator_registers_nothing(sandbox: Sandbox) -> None:
    """Whoever inspects does not lend."""
    desk = GrantDesk(sandbox=sandbox, key=sandbox.enrol("regulator-r", Role.REGULATOR))

    assert (403, "auth.role", "") == refusal(desk.register(desk.artefact()))


def test_the_purposes_are_listed_with_the_policy_in_force(
    desk: GrantDesk, sandbox: Sandbox
) -> None:
    """A lender's software reads the limits instead of guessing them."""
    listed = shown(desk.send("GET", "/v1/purposes"))

    assert "cn@1" == listed["policy"]
    assert isinstance(listed["purposes"], list)
    by_name = {each["purpose"]: each for each in listed["purposes"]}
    assert {purpose.value for purpose in Purpose} == by_name.keys()
    assert (True, 30, 1, "bands", "none") == tuple(
        by_name["credit_application"][key]
        for key in ("open", "max_days", "max_uses", "detail", "own_account")
    )
    assert (False, "overdue", []) == tuple(
        by_name["collections"][key] for key in ("open", "own_account", "fields_shown")
    )
    regulator = replace(desk, key=sandbox.enrol("regulator-r", Role.REGULATOR))
    assert listed == shown(regulator.send("GET", "/v1/purposes"))


def test_an_absent_grant_is_shown_to_nobody(desk: GrantDesk) -> None:
    """There is nothing to see where there is nothing."""
    assert (404, "absent", "") == refusal(desk.send("GET", f"/v1/grants/{ABSENT_GRANT}"))
    assert (404, "absent", "") == refusal(desk.end(ABSENT_GRANT, "withdraw", {}))
    assert (422, "request.field", "/grant_id") == refusal(desk.send("GET", "/v1/grants/gnt_1"))
