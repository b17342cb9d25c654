"""Receipts that the exchange's own keys signed and that do not say what they must.

A key proves who speaks and not that it is true: each claim is held against what was asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from exchange_client import Identifier, KeyFile
from exchange_client.batches.receipts import BATCH_TYPE
from exchange_client.core.encoding import b64url, dumps, loads_object, unb64url
from exchange_client.core.ids import new_id
from exchange_client.errors import InclusionInvalid, ReceiptInvalid
from exchange_client.receipts import (
    PAYLOAD_BYTES,
    RECEIPT_TYPE,
    Expected,
    Receipt,
    open_receipt,
    prove,
    verify,
)
from exchange_client.signing import sign_jws
from exchange_client.testing import FakeExchange
from exchange_client.testing.access_log import AccessLog
from tests.client.sdk.samples import NEVER

MEMBER = "lender-a"
Claims = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question that was answered, and the exchange that did."""

    fake: FakeExchange
    receipt: Receipt
    claims: Mapping[str, object]
    expected: Expected
    now: int

    def forged(self, **changes: object) -> str:
        """Sign the receipt with other claims; None for one takes it out."""
        claims: Claims = {**self.claims, **changes, "pad": ""}
        claims = {name: one for name, one in claims.items() if one is not ABSENT}
        claims["pad"] = "0" * (PAYLOAD_BYTES - len(dumps(claims)))
        return self.signed(dumps(claims))

    def signed(self, payload: bytes, typ: str = RECEIPT_TYPE, key: KeyFile | None = None) -> str:
        """Sign a payload, by default as a receipt."""
        return sign_jws(payload, typ, key or self.fake.world.keys["receipt"])

    def opened(self, text: str) -> Receipt:
        """Open a receipt as it arrives."""
        return open_receipt(text, self.fake.pins, self.expected, now=self.now)


ABSENT = object()


@pytest.fixture(scope="module")
def asked() -> Asked:
    """A question about a borrower, answered ADVERSE."""
    fake = FakeExchange()
    exchange = fake.member(MEMBER)
    who: Identifier = fake.persona("one_lender_30").identifiers[0]
    grant = fake.grant(exchange, who, "credit_application")
    receipt = exchange.query(who, purpose="credit_application", grant=grant).receipt
    claims = receipt.claims
    expected = Expected(
        member=MEMBER,
        query_id=claims.jti,
        request_digest=claims.req,
        token=fake.world.evaluator.evaluate_known_input(who.oprf_input()),
        purpose="credit_application",
        grant=grant,
    )
    payload = loads_object(text_of(receipt.text))
    return Asked(fake=fake, receipt=receipt, claims=payload, expected=expected, now=fake.clock())


def text_of(jws: str) -> bytes:
    """Return the payload of a JWS."""
    return unb64url(jws.split(".")[1])


def test_what_the_exchange_signed_truly_is_taken(asked: Asked) -> None:
    """The forgeries beside it differ in one thing each."""
    at_the_edge = asked.forged(iat=asked.now + 60, exp=asked.now + 61)

    assert asked.receipt == asked.opened(asked.receipt.text)
    assert asked.claims["jti"] == asked.opened(asked.forged()).claims.jti
    assert asked.now + 61 == asked.opened(at_the_edge).claims.exp


FORGERIES: Mapping[str, tuple[int, Callable[[Asked], Claims]]] = {
    "of another exchange": (3, lambda _: {"iss": "another"}),
    "in another log": (3, lambda _: {"log": "another.example/access/2026"}),
    "to another member": (4, lambda _: {"aud": "lender-b"}),
    "of the future": (5, lambda one: {"iat": one.now + 61, "exp": one.now + 100}),
    "to another query": (6, lambda _: {"jti": new_id("qry")}),
    "to other bytes": (6, lambda _: {"req": b64url(bytes(32))}),
    "under another purpose": (6, lambda _: {"purpose": "guarantor_check"}),
    "under another grant": (6, lambda _: {"grant": NEVER}),
    "under no grant": (6, lambda _: {"grant": None}),
    "about another subject": (6, lambda _: {"sub": b64url(bytes(48))}),
    "of the past": (7, lambda one: {"iat": one.now - 1, "exp": one.now}),
    "with a claim more": (2, lambda _: {"nbf": 1}),
    "with a claim less": (2, lambda _: {"mmd": ABSENT}),
    "with no object as finding": (2, lambda _: {"finding": []}),
    "with a time that is true": (2, lambda _: {"iat": True}),
    "with a name that is none": (2, lambda _: {"model": None}),
    "with a short digest": (2, lambda _: {"req": b64url(bytes(31))}),
    "with a leaf in no base64url": (2, lambda _: {"leaf": "="}),
    "with reasons in no list": (2, lambda _: {"reasons": "R01"}),
    "with a reason that is no text": (2, lambda _: {"reasons": ["R01", 1]}),
    "of no outcome": (2, lambda _: {"outcome": "CLEAN"}),
    "that ends as it begins": (2, lambda one: {"iat": one.now + 9, "exp": one.now + 9}),
    "permitted, and withheld": (2, lambda _: {"outcome": "WITHHELD", "grade": None}),
    "refused, and answered": (2, lambda _: {"reason": "grant.expired"}),
    "withheld, with a finding": (
        2,
        lambda _: {"outcome": "WITHHELD", "reason": "grant.expired", "grade": None},
    ),
    "withheld, with a grade": (
        2,
        lambda _: {"outcome": "WITHHELD", "reason": "grant.expired", "finding": None},
    ),
    "of no data, with a letter": (2, lambda _: {"outcome": "NO_DATA", "grade": "A"}),
    "adverse, and ungraded": (2, lambda _: {"grade": "U"}),
    "with an unknown band": (2, lambda _: {"finding": {"salary": 1}}),
}


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES.keys())
def test_a_receipt_that_says_something_else_is_refused_by_its_number(
    asked: Asked, forgery: tuple[int, Callable[[Asked], Claims]]
) -> None:
    """A receipt swapped for another true one would clear a loan that nobody asked about."""
    number, changes = forgery

    with pytest.raises(ReceiptInvalid) as refused:
        asked.opened(asked.forged(**changes(asked)))

    assert str(refused.value).startswith(f"({number}) ")


SPELLINGS: Mapping[str, tuple[int, Callable[[Asked], str]]] = {
    "cut": (1, lambda one: one.receipt.text[:-1]),
    "without a signature": (1, lambda one: one.receipt.text.rpartition(".")[0]),
    "under the key of batches": (
        1,
        lambda one: one.signed(text_of(one.receipt.text), key=one.fake.world.keys["batch"]),
    ),
    "as a batch's": (1, lambda one: one.signed(text_of(one.receipt.text), typ=BATCH_TYPE)),
    "a byte short": (2, lambda one: one.signed(text_of(one.receipt.text).replace(b"00", b"0", 1))),
    "as no object": (2, lambda one: one.signed(b"[" + b" " * (PAYLOAD_BYTES - 2) + b"]")),
    "with a name twice": (
        2,
        lambda one: one.signed(
            text_of(one.receipt.text).replace(
                b'"pad":"' + b"0" * 17, b'"aud":"lender-b","pad":"', 1
            )
        ),
    ),
    "with a fraction": (
        2,
        lambda one: one.signed(
            text_of(one.receipt.text).replace(b'"pad":"' + b"0" * 9, b'"pad":1.5,"x":"', 1)
        ),
    ),
}


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_a_receipt_in_another_spelling_is_refused(
    asked: Asked, spelling: tuple[int, Callable[[Asked], str]]
) -> None:
    """What two readers read differently is evidence for neither."""
    number, text = spelling

    with pytest.raises(ReceiptInvalid) as refused:
        asked.opened(text(asked))

    assert str(refused.value).startswith(f"({number}) ")


def test_evidence_is_read_from_its_file_and_none_is_of_the_future(
    asked: Asked, tmp_path: Path
) -> None:
    """A regulator checks files under whatever names they have, long after they were written."""
    ahead = asked.forged(iat=asked.now + 61, exp=asked.now + 100)
    place = asked.receipt.save(tmp_path / "one.2026.receipt")

    assert asked.receipt == verify(str(place), asked.fake.pins, now=asked.now).receipt
    assert asked.now + 61 == verify(ahead, asked.fake.pins).receipt.claims.iat
    with pytest.raises(ReceiptInvalid, match=r"^\(5\)"):
        verify(ahead, asked.fake.pins, now=asked.now)


LEAVES: Mapping[str, tuple[str, str]] = {
    "kind": ("subject", "record"),
    "member": ("subject", "lender-b"),
    "purpose": ("subject", "guarantor_check"),
    "outcome": ("subject", "NO_ADVERSE"),
    "query": ("audit", NEVER),
    "request_sha256": ("audit", ""),
    "grant": ("audit", NEVER),
    "reason": ("audit", "grant.expired"),
    "policy": ("audit", "cn@2"),
}


def slots_of(asked: Asked) -> dict[str, Claims]:
    """Return what the leaf of the answer says."""
    log, index = asked.fake.world.log, asked.fake.world.log.payloads("audit")
    at = next(n for n, one in enumerate(index) if one.get("query") == asked.claims["jti"])
    return {slot: log.payloads(slot)[at] for slot in ("subject", "audit")}


@pytest.mark.parametrize("name", [*LEAVES, "no object"])
def test_a_leaf_that_says_something_else_is_refused(asked: Asked, name: str) -> None:
    """What is in the log is what a regulator reads: it must be what the lender was told."""
    log, slots = asked.fake.world.log, slots_of(asked)
    if name in LEAVES:
        slot, said = LEAVES[name]
        slots[slot] = {**slots[slot], name: said}
    else:
        slots["audit"] = cast("Claims", ["no", "object"])
    leaf = log.append(MEMBER, slots["subject"], slots["audit"])
    text, proof = asked.forged(leaf=b64url(leaf)), log.proof(leaf)

    with pytest.raises(ReceiptInvalid, match=r"^\(9\)"):
        verify(text, asked.fake.pins, proof=proof)


def test_a_leaf_as_it_is_told_is_taken_and_one_of_another_log_is_not(asked: Asked) -> None:
    """A proof under the log's name and another key proves nothing."""
    log, slots = asked.fake.world.log, slots_of(asked)
    other = AccessLog(log.origin, Ed25519PrivateKey.generate())
    leaves = [one.append(MEMBER, slots["subject"], slots["audit"]) for one in (log, other)]
    told = [asked.opened(asked.forged(leaf=b64url(leaf))) for leaf in leaves]
    proofs = [
        cast("bytes", one.proof(leaf)) for one, leaf in zip((log, other), leaves, strict=True)
    ]

    assert leaves[0] == prove(told[0], proofs[0], asked.fake.pins).leaf
    for receipt, proof in ((told[1], proofs[1]), (told[0], proofs[1]), (told[1], proofs[0])):
        with pytest.raises(InclusionInvalid, match=r"^\(8\)"):
            prove(receipt, proof, asked.fake.pins)
