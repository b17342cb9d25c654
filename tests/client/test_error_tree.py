"""The SDK's errors: told apart by type and code, whole after a journey between processes."""

from __future__ import annotations

import pickle

import pytest

from exchange_client.errors import (
    CxError,
    FieldFault,
    InvalidIdentifier,
    Outage,
    Problem,
    ProofInvalid,
    Refused,
    Unreachable,
    UnverifiedResponse,
)

PROBLEM = Problem(
    code="quota.spent",
    status=429,
    title="The quota is spent",
    errors=(FieldFault(pointer="/elements", code="quota.spent", detail="60,000 a day"),),
    request_id="req_1",
    retryable=True,
    retry_after_seconds=30,
)


@pytest.mark.parametrize("error", [Unreachable, UnverifiedResponse, ProofInvalid])
def test_what_brings_no_answer_is_an_outage(error: type[CxError]) -> None:
    """A lender that catches `Outage` must have caught every way of not being answered."""
    raised = error()

    assert isinstance(raised, Outage)
    assert not hasattr(raised, "outcome")
    assert str(raised)


def test_a_false_proof_is_not_worth_a_retry() -> None:
    """Asking again meets the same wrong key, and costs quota each time."""
    assert not ProofInvalid().retryable
    assert Unreachable().retryable


def test_a_refusal_carries_the_whole_problem_document() -> None:
    """The member's program acts on the code and the pause, its people on title and request id."""
    refused = Refused(PROBLEM)

    assert ("quota.spent", 429, True, 30) == (
        refused.code,
        refused.status,
        refused.retryable,
        refused.retry_after_seconds,
    )
    assert refused.errors == PROBLEM.errors
    assert "req_1" in str(refused)


@pytest.mark.parametrize(
    "error", [Refused(PROBLEM), InvalidIdentifier("identifier.checksum", "it does not fit")]
)
def test_an_error_survives_a_process_pool(error: CxError) -> None:
    """Members check rows in process pools; an error that cannot come back hangs or hides there."""
    back = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes

    assert type(error) is type(back)
    assert error.code == back.code
    assert str(error) == str(back)
