"""The gate: what a payout needs, tried with real receipts and proofs of the fake exchange."""

from __future__ import annotations

import hashlib
import json
import pickle
import re
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from exchange_client import Exchange, ProvenReceipt, Receipt, ReceiptInvalid
from exchange_client.core.ids import new_id
from exchange_client.errors import InclusionInvalid, NotCleared, UsageError
from exchange_client.log.policy import parse_policy
from exchange_client.policy import Gate
from exchange_client.testing import FakeExchange
from tests.support.signed_log import WITNESSES


@pytest.fixture
def fake() -> FakeExchange:
    """An exchange in memory."""
    return FakeExchange()


@pytest.fixture
def lender(fake: FakeExchange) -> Iterator[Exchange]:
    """A member of it."""
    with fake.member("lender-x") as exchange:
        yield exchange


def look(
    fake: FakeExchange,
    lender: Exchange,
    persona: str = "one_lender_30",
    *,
    purpose: str = "credit_application",
    application: str = "app-1",
) -> Receipt:
    """Ask about a borrower for an application."""
    borrower = fake.persona(persona).identifiers[0]
    grant = fake.grant(lender, borrower, purpose)
    return lender.query(borrower, purpose=purpose, grant=grant, application_ref=application).receipt


def test_a_proven_look_clears_its_application(
    fake: FakeExchange, lender: Exchange, tmp_path: Path
) -> None:
    """A lender that did check must not be held up, from memory or from its files."""
    receipt = look(fake, lender)
    proven = lender.receipt_proof(receipt)
    place = receipt.save(tmp_path / "one.receipt", proven.proof)
    gate = Gate.of(lender.desk)

    cleared = gate.require(proven, "app-1")

    assert cleared == gate.require(place, "app-1", 1)
    assert ("app-1", receipt.claims.jti, "ADVERSE", proven.verified.index) == (
        cleared.application_ref,
        cleared.query_id,
        cleared.outcome,
        cleared.log_index,
    )


def test_without_a_reference_of_its_own_the_application_is_the_query(
    fake: FakeExchange, lender: Exchange
) -> None:
    """Who names no application still has one name under which money may leave."""
    query_id = new_id("qry")
    borrower = fake.persona("clean").identifiers[0]
    grant = fake.grant(lender, borrower, "credit_application")
    answer = lender.query(borrower, purpose="credit_application", grant=grant, query_id=query_id)

    cleared = Gate.of(lender.desk).require(lender.receipt_proof(answer.receipt), query_id)

    assert query_id == cleared.query_id


def test_each_thing_that_must_hold_bars_the_payout_alone(
    fake: FakeExchange, lender: Exchange
) -> None:
    """One condition that is not looked at is the one that money leaves by."""
    gate = Gate.of(lender.desk)
    good = lender.receipt_proof(look(fake, lender))
    surety = lender.receipt_proof(look(fake, lender, "cured", purpose="guarantor_check"))
    review = lender.receipt_proof(look(fake, lender, "disputed", application="app-2"))
    withheld = lender.receipt_proof(look(fake, lender, "grant_withdrawn"))

    for proven, application, purpose, code in (
        (good, "app-2", "credit_application", "gate.application"),
        (review, "app-1", "credit_application", "gate.application"),
        (good, "app-1", "guarantor_check", "gate.purpose"),
        (surety, "app-1", "credit_application", "gate.purpose"),
        (withheld, "app-1", "credit_application", "gate.withheld"),
    ):
        with pytest.raises(NotCleared) as refused:
            gate.require(proven, application, purpose=purpose)
        assert code == refused.value.code
    assert "app-1" == gate.require(surety, "app-1", purpose="guarantor_check").application_ref
    back = pickle.loads(pickle.dumps(refused.value))  # noqa: S301 - our own bytes
    assert ("gate.withheld", str(refused.value)) == (back.code, str(back))


@pytest.mark.parametrize(
    ("seconds", "hours", "code"),
    [
        (72 * 3600, 72, None),
        (72 * 3600 + 1, 72, "gate.too_old"),
        (3601, 1, "gate.too_old"),
        (180 * 86_400, 720, "gate.expired"),
    ],
)
def test_a_look_is_good_for_its_time(
    fake: FakeExchange, lender: Exchange, seconds: int, hours: int, code: str | None
) -> None:
    """A borrower who was clean last year is no borrower who is clean."""
    proven = lender.receipt_proof(look(fake, lender))
    fake.clock.advance(seconds=seconds)
    gate = Gate.of(lender.desk)

    if code is None:
        assert gate.require(proven, "app-1", hours).looked_at == proven.receipt.claims.iat
        return
    with pytest.raises(NotCleared) as refused:
        gate.require(proven, "app-1", hours)

    assert code == refused.value.code


def test_a_receipt_without_its_proof_clears_nothing(
    fake: FakeExchange, lender: Exchange, tmp_path: Path
) -> None:
    """A promise that the log never kept is no look that a regulator can find."""
    receipt = look(fake, lender)
    place = receipt.save(tmp_path / "one.receipt")
    key = f"log {lender.pins.log_vkey}\n"
    unwitnessed = Gate.of(lender.desk, parse_policy(f"{key}quorum none\n".encode()))
    witness = f"witness w {WITNESSES[0].key.vkey()}\nquorum w\n"
    witnessed = Gate.of(lender.desk, parse_policy(f"{key}{witness}".encode()))

    for gate in (Gate.of(lender.desk), unwitnessed, witnessed):
        with pytest.raises(NotCleared) as refused:
            gate.require(place, "app-1")
        assert "gate.unproven" == refused.value.code
    receipt.save(place, lender.receipt_proof(receipt).proof)
    assert "app-1" == unwitnessed.require(place, "app-1").application_ref
    for proven in (place, lender.receipt_proof(receipt)):
        with pytest.raises(InclusionInvalid, match="no quorum"):
            witnessed.require(proven, "app-1")


def test_what_is_handed_in_is_verified_anew(fake: FakeExchange, lender: Exchange) -> None:
    """An object that says it is proven may have been built by anybody."""
    good = lender.receipt_proof(look(fake, lender))
    other = lender.receipt_proof(look(fake, lender, "cured"))
    forged = ProvenReceipt(receipt=good.receipt, proof=other.proof, verified=good.verified)
    altered = replace(good.receipt, text=good.receipt.text[:-4] + "AAAA")

    for proven, error in (
        (forged, InclusionInvalid),
        (ProvenReceipt(receipt=altered, proof=good.proof, verified=good.verified), ReceiptInvalid),
    ):
        with pytest.raises(error):
            Gate.of(lender.desk).require(proven, "app-1")
    stranger = replace(Gate.of(lender.desk), member="lender-y")
    with pytest.raises(ReceiptInvalid, match=r"\(4\)"):
        stranger.require(good, "app-1")


def test_a_proof_that_keeps_the_audit_slot_closed_clears_nothing(
    fake: FakeExchange, lender: Exchange
) -> None:
    """A leaf that does not say its application speaks for any."""
    proven = lender.receipt_proof(look(fake, lender))
    head, extra, rest = re.split(rb"(?<=extra )(\S+)", proven.proof, maxsplit=1)
    slots = json.loads(b64decode(extra))
    audit = slots["audit"]
    salted = b64decode(audit["salt"]) + audit["payload"].encode()
    commitment = hashlib.sha256(b"credit-exchange/commit/v1\naudit\n" + salted).digest()
    slots["audit"] = {"c": b64encode(commitment).decode()}
    closed = head + b64encode(json.dumps(slots).encode()) + rest

    with pytest.raises(NotCleared, match="not opened"):
        Gate.of(lender.desk).require(replace(proven, proof=closed), "app-1")


@pytest.mark.parametrize(
    ("purpose", "hours"),
    [("account_review", 72), ("credit_application", 0), ("credit_application", 721)],
)
def test_no_payout_rests_on_another_purpose_or_an_old_look(
    fake: FakeExchange, lender: Exchange, purpose: str, hours: int
) -> None:
    """A gate that its owner can open wide is none: lend-first counts 30 days and these purposes."""
    proven = lender.receipt_proof(look(fake, lender))

    with pytest.raises(UsageError, match="a payout rests on"):
        Gate.of(lender.desk).require(proven, "app-1", hours, purpose)
