"""Hostile use of the evaluator (A69, A72), through the real application."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from exchange_client.core.encoding import b64url
from exchange_client.oprf import blind
from tests.support.grant_desk import GrantDesk, refusal, shown
from tests.support.sandbox import make_sandbox

ELEMENTS_MAX = 500  # of one request
QUOTA = 1_000


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[GrantDesk]:
    """A member of an exchange with a small quota of evaluations."""
    sandbox = make_sandbox(database_url, tmp_path, evaluations_per_day=QUOTA)
    yield GrantDesk(sandbox=sandbox, key=sandbox.enrol("member-a"))
    sandbox.close()


def evaluate(desk: GrantDesk, count: int, epoch: str = "ep_1") -> TestResponse:
    """Let one blinded element be evaluated so many times in one request."""
    element = b64url(blind([b"one and the same"]).elements[0])
    return desk.send("POST", "/v1/tokens", {"epoch": epoch, "elements": [element] * count})


def test_a69_one_element_a_thousand_times_counts_a_thousand(desk: GrantDesk) -> None:
    """A quota that counts only distinct elements is a free oracle for its static key."""
    taken = [evaluate(desk, ELEMENTS_MAX) for _ in range(QUOTA // ELEMENTS_MAX)]
    last = evaluate(desk, 1)

    assert [ELEMENTS_MAX] * 2 == [len(shown(one)["elements"]) for one in taken]  # type: ignore[arg-type]  # a list
    assert (429, "quota.spent", "") == refusal(last)
    assert 0 < int(last.headers["Retry-After"]) <= 86_400


@pytest.mark.parametrize("epoch", ["ep_2", "ep_999999"])
def test_a72_a_closed_epoch_is_named_with_the_open_one(desk: GrantDesk, epoch: str) -> None:
    """A member that missed a rotation must learn from the answer where to go."""
    reply = evaluate(desk, 1, epoch)

    assert (409, "token.epoch", "/epoch") == refusal(reply)
    assert "ep_1" in str(reply.get_json()["detail"])
    assert QUOTA // ELEMENTS_MAX == sum(
        evaluate(desk, ELEMENTS_MAX).status_code == 200 for _ in range(3)
    )
