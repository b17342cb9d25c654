"""Disbursements: a loan tied to the look it was decided by, once, and honestly without one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from exchange_client import Disbursement, Exchange, Refused
from exchange_client.core.encoding import unb64url
from exchange_client.core.ids import new_id
from tests.support.access_log import run_sql
from tests.support.borrowers import borrower
from tests.support.sandbox import Sandbox, make_sandbox


@pytest.fixture(scope="module")
def sandbox(
    shared_database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sandbox]:
    """An exchange with nothing in it."""
    made = make_sandbox(shared_database_url, tmp_path_factory.mktemp("disbursements"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def lender(sandbox: Sandbox) -> Iterator[Exchange]:
    """A lender that asks and pays out."""
    with sandbox.exchange(sandbox.enrol("member-a")) as exchange:
        yield exchange


def loan(number: int, *, query_id: str | None = None) -> Disbursement:
    return Disbursement(
        identifier=borrower(number),
        account_ref=f"loan-{number}",
        paid_at=int(time.time()),
        query_id=query_id,
    )


def test_a_loan_and_its_look_are_tied_by_a_leaf(sandbox: Sandbox, lender: Exchange) -> None:
    """A lender could not prove that it checked before it paid out."""
    answer = lender.query(borrower(1), purpose="credit_application")

    receipt = lender.disburse(loan(1, query_id=answer.query_id))

    assert "disbursed" == receipt.event
    assert receipt.leaf is not None
    rows = run_sql(
        sandbox.settings.libpq_url,
        "SELECT kind, subject FROM log_search WHERE kind IN ('query', 'disbursement')",
    )
    assert {"query", "disbursement"} == {row[0] for row in rows}
    assert 1 == len({row[1] for row in rows})
    leaves = run_sql(sandbox.settings.libpq_url, "SELECT leaf_hash FROM disbursement")
    assert [(unb64url(receipt.leaf),)] == leaves


def test_a_loan_that_nobody_checked_is_taken_as_such(lender: Exchange) -> None:
    """Refused, it would be hidden from the very rule that looks for it."""
    assert lender.disburse(loan(2)).leaf is not None


def test_a_report_sent_again_is_the_same_report(sandbox: Sandbox, lender: Exchange) -> None:
    """A lost answer would make two loans of one."""
    told = loan(3)
    first = lender.disburse(told)

    again = lender.disburse(told)

    assert first == again
    rows = run_sql(
        sandbox.settings.libpq_url,
        "SELECT 1 FROM log_search s JOIN leaf f USING (leaf_hash) WHERE f.leaf_hash = %s",
        unb64url(first.leaf),
    )
    assert 1 == len(rows)


def test_an_id_names_one_loan(lender: Exchange) -> None:
    """A lender could move its evidence from one loan to another."""
    told = loan(4)
    lender.disburse(told)

    with pytest.raises(Refused) as refused:
        lender.disburse(replace(told, account_ref="loan-5"))

    assert "disbursement.conflict" == refused.value.code


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("paid_at", {"paid_at": int(time.time()) + 3_600}),
        ("query_id", {"query_id": new_id("qry")}),
    ],
)
def test_what_cannot_be_is_refused(
    lender: Exchange, field: str, change: dict[str, int | str]
) -> None:
    """Evidence of a look that never was is worse than none."""
    with pytest.raises(Refused) as refused:
        lender.disburse(replace(loan(6), **change))  # type: ignore[arg-type]  # one field each

    assert [f"/{field}"] == [fault.pointer for fault in refused.value.errors]


def test_a_look_at_somebody_else_clears_no_loan(lender: Exchange) -> None:
    """One look could stand for every loan of the day."""
    answer = lender.query(borrower(7), purpose="credit_application")

    with pytest.raises(Refused):
        lender.disburse(loan(8, query_id=answer.query_id))


def test_a_look_of_another_member_clears_no_loan(sandbox: Sandbox, lender: Exchange) -> None:
    """Members could lend each other their evidence."""
    with sandbox.exchange(sandbox.enrol("member-b")) as other:
        answer = other.query(borrower(9), purpose="credit_application")

    with pytest.raises(Refused):
        lender.disburse(loan(9, query_id=answer.query_id))
