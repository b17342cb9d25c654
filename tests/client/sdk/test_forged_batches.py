"""Receipts of batches and records that the exchange signed and that do not say what they must."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from exchange_client.batches.files import BatchFile, BatchHeader, build
from exchange_client.batches.receipts import (
    BATCH_TYPE,
    open_batch_receipt,
    open_record_receipt,
)
from exchange_client.core.encoding import b64url
from exchange_client.core.ids import new_id
from exchange_client.errors import ReceiptInvalid
from exchange_client.signing import sign_jws
from exchange_client.testing import FakeExchange

MEMBER = "lender-a"
Claims = dict[str, object]


@pytest.fixture(scope="module")
def fake() -> FakeExchange:
    """An exchange whose keys sign what a test likes."""
    return FakeExchange()


def batch() -> BatchFile:
    """Return a batch of one row."""
    header = BatchHeader(
        batch_id=new_id("bat"), member=MEMBER, epoch="ep_1", profile="cn@1", sequence=1, created=1
    )
    return build(header, [{"as_of": "2026-01-31"}])


BATCH_CLAIMS: Mapping[str, object] = {
    "iss": "another",
    "log": "another.example/access/2026",
    "aud": "lender-b",
    "batch": new_id("bat"),
    "digest": b64url(bytes(32)),
    "rows_root": b64url(bytes(32)),
    "leaf": "=",
    "stored": True,
    "unchanged": -1,
    "faulted": "0",
    "absent": None,
}


@pytest.mark.parametrize("name", BATCH_CLAIMS)
def test_a_batch_receipt_that_says_something_else_is_refused(fake: FakeExchange, name: str) -> None:
    """A lender that kept it would hold the evidence of a file that it never sent."""
    file = batch()
    counts = ("stored", "unchanged", "amended", "deleted", "faulted", "warned", "absent")
    claims: Claims = {
        "iss": fake.pins.exchange,
        "log": fake.pins.log_origin,
        "aud": MEMBER,
        "batch": file.batch_id,
        "digest": b64url(file.digest),
        "rows_root": b64url(file.rows_root),
        "leaf": None,
        **dict.fromkeys(counts, 0),
    }
    good, forged = (
        fake.world.sign_claims("batch", BATCH_TYPE, one)
        for one in (claims, {**claims, name: BATCH_CLAIMS[name]})
    )

    no_object = sign_jws(b"[]", BATCH_TYPE, fake.world.keys["batch"])

    assert open_batch_receipt(good, fake.pins, MEMBER, file).whole
    with pytest.raises(ReceiptInvalid, match="no JSON object"):
        open_batch_receipt(no_object, fake.pins, MEMBER, file)
    with pytest.raises(ReceiptInvalid, match=name):
        open_batch_receipt(forged, fake.pins, MEMBER, file)


@pytest.mark.parametrize(
    "changes",
    [{"account": "acc-2"}, {"digest": b64url(b"x")}, {"event": 1}, {"warnings": "none"}],
    ids=json.dumps,
)
def test_a_records_receipt_that_says_something_else_is_refused(
    fake: FakeExchange, changes: Claims
) -> None:
    """A deletion must not be receipted by the storing of another account."""
    claims: Claims = {
        "iss": fake.pins.exchange,
        "log": fake.pins.log_origin,
        "aud": MEMBER,
        "account": "acc-1",
        "digest": b64url(bytes(32)),
        "event": "stored",
        "warnings": ["plaus.one_amount"],
        "leaf": b64url(bytes(32)),
    }
    good, forged = (
        fake.world.sign_claims("batch", BATCH_TYPE, one) for one in (claims, {**claims, **changes})
    )
    bound = (fake.pins, MEMBER, "acc-1", bytes(32))

    assert ("stored", claims["leaf"]) == (
        (taken := open_record_receipt(good, *bound)).event,
        taken.leaf,
    )
    with pytest.raises(ReceiptInvalid):
        open_record_receipt(forged, *bound)
