"""A grant in the forms of others, over HTTP: records, ReBIT's shape, the borrower's receipt."""

from __future__ import annotations

import base64
import json

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from consent.artefact import parse_artefact
from exchange.crypto.keyring import Use
from exchange.crypto.signing import claims_of, parse_jws
from tests.support.export_schemas import faults_of, validator
from tests.support.grant_desk import ABSENT_GRANT, GrantDesk, refusal, shown
from tests.support.sandbox import Sandbox

FORMS = ("?format=iso27560", "?format=rebit", "/receipt")


@pytest.fixture
def desk(sandbox: Sandbox) -> GrantDesk:
    """The desk of one lender."""
    return GrantDesk(sandbox=sandbox, key=sandbox.enrol("member-a"))


def statement_key(sandbox: Sandbox) -> Ed25519PublicKey:
    """Return the key that statements are signed with."""
    raw = next(
        one.public_key for one in sandbox.ports.keyring.public_keys() if one.use is Use.STATEMENT
    )
    return Ed25519PublicKey.from_public_bytes(raw)


def test_a_stock_library_verifies_the_receipt_that_the_borrower_keeps(
    desk: GrantDesk, sandbox: Sandbox
) -> None:
    """Proof of a consent that only we can check is no proof for the one who gave it."""
    grant = desk.granted()
    receipt = str(shown(desk.send("GET", f"/v1/grants/{grant}/receipt"))["receipt"])

    claims = jwt.decode(
        receipt, statement_key(sandbox), algorithms=["EdDSA"], audience="member-a/customer-0001"
    )

    assert [] == faults_of(validator("grant-receipt-1"), claims)
    header = jwt.get_unverified_header(receipt)
    assert "cx-grant-receipt+jwt" == header["typ"]
    assert (grant, "dpv:ConsentGiven") == (
        claims["record"]["identifier"],
        claims["record"]["hasConsentStatus"],
    )
    assert receipt == shown(desk.send("GET", f"/v1/grants/{grant}/receipt"))["receipt"]


def test_a_receipt_after_the_withdrawal_says_so(desk: GrantDesk, sandbox: Sandbox) -> None:
    """The proof of the end matters as much as that of the beginning."""
    grant = desk.granted()
    desk.end(grant, "withdraw", {"channel": "app"})

    receipt = str(shown(desk.send("GET", f"/v1/grants/{grant}/receipt"))["receipt"])

    record = jwt.decode(receipt, options={"verify_signature": False})["record"]
    assert "dpv:ConsentWithdrawn" == record["hasConsentStatus"]
    assert ["register", "withdraw"] == [step["eventKind"] for step in record["event"]]


def test_a_consent_record_is_served_as_json_ld(desk: GrantDesk) -> None:
    """Another party's tools must take it as it is."""
    grant = desk.granted()

    response = desk.send("GET", f"/v1/grants/{grant}?format=iso27560")

    assert (200, "application/ld+json") == (response.status_code, response.content_type)
    assert grant == json.loads(response.data)["identifier"]


def test_rebits_shape_is_signed_over_its_exact_bytes_and_holds_our_artefact(
    desk: GrantDesk, sandbox: Sandbox
) -> None:
    """A translation must be tied to what was really signed."""
    grant = desk.granted()

    response = desk.send("GET", f"/v1/grants/{grant}?format=rebit")

    header, _, signature = response.headers["X-Jws-Signature"].split(".")
    body = base64.urlsafe_b64encode(response.data).rstrip(b"=").decode()
    statement_key(sandbox).verify(
        base64.urlsafe_b64decode(signature + "=="), f"{header}.{body}".encode()
    )
    document = json.loads(response.data)
    kept = parse_jws(document["x-cx-artefact"], typ="cx-grant+jws")
    assert (grant, "ACTIVE") == (document["consentId"], document["status"])
    assert grant == parse_artefact(claims_of(kept)).jti


@pytest.mark.parametrize("form", FORMS)
def test_anothers_grant_and_no_grant_are_the_same_answer(
    desk: GrantDesk, sandbox: Sandbox, form: str
) -> None:
    """A lender must not learn from a translation what it may not read."""
    other = GrantDesk(sandbox=sandbox, key=sandbox.enrol("member-b"))
    grant = desk.granted()

    answers = [other.send("GET", f"/v1/grants/{one}{form}") for one in (grant, ABSENT_GRANT)]

    assert [(404, "absent", "")] * 2 == [refusal(one) for one in answers]


def test_an_unknown_form_is_refused(desk: GrantDesk) -> None:
    """A guess at what was meant would be read as an answer."""
    grant = desk.granted()

    response = desk.send("GET", f"/v1/grants/{grant}?format=kantara")

    assert (422, "request.field", "/format") == refusal(response)
