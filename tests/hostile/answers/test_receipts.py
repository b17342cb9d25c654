"""The hostile corpus about receipts that somebody else got (A33)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from exchange_client import Disbursement, Exchange, Refused
from exchange_client.errors import ReceiptInvalid
from exchange_client.receipts import Expected, Receipt, open_receipt, verify
from exchange_client.testing import FakeExchange
from tests.support.borrowers import borrower
from tests.support.sandbox import Sandbox, make_sandbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """Receipts that are not the shower's: another member's, and one of a test origin."""

    sandbox: Sandbox
    shower: Exchange
    others: Receipt
    tests: Receipt


@pytest.fixture(scope="module")
def shown(shared_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    """Three answers about one borrower: of member-a, of member-b, and of a fake exchange."""
    sandbox = make_sandbox(shared_database_url, tmp_path_factory.mktemp("receipts"))
    keys = [sandbox.enrol(name) for name in ("member-a", "member-b")]
    fake = FakeExchange()
    with (
        sandbox.exchange(keys[0]) as asker,
        sandbox.exchange(keys[1]) as shower,
        Exchange(fake.key("member-b"), fake.pins, transport=fake.transport) as tester,
    ):
        others, _, tests = (
            one.query(borrower(1), purpose="credit_application").receipt
            for one in (asker, shower, tester)
        )
        sandbox.sequence()
        yield Shown(sandbox=sandbox, shower=shower, others=others, tests=tests)
    sandbox.close()


def test_a33_a_client_takes_no_receipt_of_another_member_or_origin(shown: Shown) -> None:
    """A lender cannot pass off another's look, or a look in a test system, as its own."""
    pins, now = shown.shower.pins, int(time.time())
    mine = Expected(member="member-b")

    with pytest.raises(ReceiptInvalid, match=r"\(4\)"):
        open_receipt(shown.others.text, pins, mine, now=now)
    with pytest.raises(ReceiptInvalid, match=r"\(1\)"):
        open_receipt(shown.tests.text, pins, mine, now=now)

    with pytest.raises(ReceiptInvalid, match=r"\(1\)"):
        verify(shown.tests.text, pins, now=now)
    assert shown.others.claims.aud == verify(shown.others.text, pins).receipt.claims.aud
    assert shown.others == open_receipt(
        shown.others.text, pins, Expected(member="member-a"), now=now
    )


@pytest.mark.parametrize("whose", ["others", "tests"])
def test_a33_the_server_knows_no_receipt_of_another_member_or_origin(
    shown: Shown, whose: str
) -> None:
    """Neither proven, nor shown again, nor taken as the look before a loan."""
    receipt: Receipt = getattr(shown, whose)
    shower, query = shown.shower, receipt.claims.jti
    loan = Disbursement(
        identifier=borrower(1), account_ref="loan-1", paid_at=int(time.time()), query_id=query
    )
    calls: dict[str, Callable[[], object]] = {
        "proof": lambda: shower.receipt_proof(receipt, wait_seconds=0),
        "answer": lambda: shower.answer(query),
        "loan": lambda: shower.disburse(loan),
    }
    codes = {}
    for name, call in calls.items():
        with pytest.raises(Refused) as refused:
            call()
        codes[name] = refused.value.code

    assert {"proof": "absent", "answer": "absent", "loan": "request.field"} == codes
