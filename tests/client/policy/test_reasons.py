"""Which reasons a decision gives: those of the rules that made it, four at most."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from exchange_client.policy import Action, decide
from tests.client.policy.samples import (
    B2,
    CAP,
    CLEAN,
    HEAD,
    LATE,
    LATE_NOW,
    REVIEW,
    STOP,
    policy_of,
    receipt_of,
    rule,
)


def test_a_stop_has_no_price_and_at_most_four_reasons_of_the_rules_that_stop(
    tmp_path: Path,
) -> None:
    """A reason that did not weigh sends the borrower to mend what did no harm."""
    many = 'worst_bucket = { gte = 1 }, late_months = { gte = "1" }, velocity_7 = { gte = "0" }'
    head = HEAD + 'own_inputs = { x = "integer" }\n' + CAP
    rules = [
        rule("many", f"{LATE_NOW}, {many}, x = {{ gte = 1 }}", STOP),
        rule("less", 'open_overdue_band = { gte = "1" }, x = { gte = 0 }', REVIEW),
        rule("dear", 'lender_band = { gte = "1" }', f'{REVIEW}, price_band = "b2"'),
    ]
    policy = policy_of(tmp_path, *rules, B2, head=head)

    stopped = decide(policy, receipt_of("ADVERSE", LATE), {"x": 1})
    milder = decide(policy, receipt_of("ADVERSE", LATE), {"x": 0})

    assert (None, None, ("R01", "R02", "R03", "P01")) == (
        stopped.price_band,
        stopped.apr_bp,
        stopped.reasons,
    )
    assert (Action.REVIEW, "b2", ("R01", "R05", "P01", "R02")) == (
        milder.decision,
        milder.price_band,
        milder.reasons,
    )


def test_a_limit_is_explained_by_the_rule_that_set_it(tmp_path: Path) -> None:
    """The smallest limit may come from a milder rule than the decision does."""
    head = HEAD + 'own_inputs = { x = "integer" }\n'
    rules = [
        rule("least", "x = { gte = 1 }", f'{REVIEW}, limit_factor = "0.2"'),
        rule(
            "more", 'late_months = { gte = "1" }', 'decision = "REDUCE_LIMIT", limit_factor = "0.5"'
        ),
    ]
    finding = {**CLEAN, "late_months": "1", "dispute": True}

    decision = decide(
        policy_of(tmp_path, *rules, head=head), receipt_of("ADVERSE", finding), {"x": 1}
    )

    assert (Decimal("0.2"), ("R03", "P01")) == (decision.limit_factor, decision.reasons)


def test_a_price_is_explained_by_the_rule_that_set_it_and_by_no_cheaper_one(tmp_path: Path) -> None:
    """A borrower who pays more must read why, and not what cost nothing."""
    head = HEAD + 'own_inputs = { x = "integer" }\n' + CAP
    rules = [
        rule("dear", "x = { gte = 1 }", 'decision = "PROCEED", price_band = "b2"'),
        rule("cheap", 'velocity_7 = { gte = "0" }', 'decision = "PROCEED", price_band = "b1"'),
    ]
    policy = policy_of(tmp_path, *rules, B2, "[price_band.b1]\napr_bp = 900\n", head=head)

    decision = decide(policy, receipt_of("ADVERSE", LATE), {"x": 1})

    assert ("b2", "P01") == (decision.price_band, decision.reasons[0])
    assert "R06" not in decision.reasons
