"""What a new policy would change for borrowers of the past."""

from __future__ import annotations

from pathlib import Path

import pytest

from exchange_client.policy import Case, replay
from tests.client.policy.samples import (
    B2,
    CAP,
    LATE,
    LATE_NOW,
    REVIEW,
    STOP,
    policy_of,
    receipt_of,
    rule,
)

PRICED = f'{REVIEW}, limit_factor = "0.50", price_band = "b2"'


@pytest.mark.parametrize(
    ("then", "price", "differs"),
    [
        (PRICED, "1800", False),
        (PRICED.replace("0.50", "0.5"), "1800", False),
        (PRICED.replace("0.50", "0.4"), "1800", True),
        (PRICED, "1801", True),
        (PRICED.replace("b2", "none"), "1800", True),
        (STOP, "1800", True),
    ],
)
def test_a_look_differs_where_the_borrower_would_feel_it(
    then: str, price: str, differs: bool, tmp_path: Path
) -> None:
    """Who approves a new policy must see each limit and price that moves, and no renamed rule."""
    old = policy_of(tmp_path, CAP, rule("old", LATE_NOW, PRICED), B2)
    new = policy_of(tmp_path, CAP, rule("new", LATE_NOW, then), B2.replace("1800", price))

    done = replay(old, new, [Case(receipt=receipt_of("ADVERSE", LATE))])

    assert (1, differs) == (sum(done.counts.values()), bool(done.changed))
