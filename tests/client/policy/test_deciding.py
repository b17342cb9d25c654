"""What a policy makes of an answer: by table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from exchange_client import Adverse, NoData, Outcome, Receipt
from exchange_client.answers import answer_of
from exchange_client.errors import AnswerMisread, UsageError
from exchange_client.policy import Action, decide
from exchange_client.policy.fields import Value
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
    sample,
)

INPUTS = {"requested_minor": 500_000}
BUSY = {**CLEAN, "velocity": {"7": "1", "30": "5-9", "90": "5-9"}}
OLD = {**CLEAN, "worst_bucket": 1, "months_since_worst": "6-11", "late_months": "1"}
# Under the page's policy: (answer, decision, limit, price, rules, reasons, a person must look).
CASES = {
    "nothing known against": ("NO_ADVERSE", CLEAN, "PROCEED", "1", None, "", "", False),
    "a price by its grade": (
        "NO_ADVERSE",
        OLD,
        "PROCEED",
        "1",
        "b2",
        "price-by-grade",
        "R02 R03",
        True,
    ),
    "many applications": (
        *("NO_ADVERSE", BUSY, "REDUCE_LIMIT", "0.50", "b2", "many-applications price-by-grade"),
        *("R06 P01", True),
    ),
    "overdue elsewhere": (
        *("ADVERSE", LATE, "STOP_NEW_CREDIT", "0", None),
        *("overdue-elsewhere several-lenders-lately", "R01 R02 R05 R03", True),
    ),
    "adverse, and no rule": (
        *("ADVERSE", {**CLEAN, "lender_band": "1+"}, "REVIEW", "1", None, "", "P02", False),
    ),
    "nobody reports": ("NO_DATA", None, "REVIEW", "1", None, "", "R07", False),
    "not permitted": ("WITHHELD", None, "REVIEW", "1", None, "", "R08", False),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_policy_of_the_page_decides(case: tuple[object, ...], tmp_path: Path) -> None:
    """Whoever starts from the page must get what the page says."""
    outcome, finding, *expected = case
    policy = policy_of(tmp_path, head=sample())
    finding = {"velocity": CLEAN["velocity"]} if outcome == "NO_DATA" else finding
    receipt = receipt_of(str(outcome), finding)  # type: ignore[arg-type]  # of the table above

    decision = decide(policy, receipt, INPUTS)

    assert expected == [
        decision.decision,
        str(decision.limit_factor),
        decision.price_band,
        " ".join(decision.matched),
        " ".join(decision.reasons),
        decision.human_review,
    ]
    assert () == decision.untold
    assert (policy.sha256, receipt.claims.jti) == (decision.policy_sha256, decision.query_id)
    assert decision == decide(policy, answer_of(receipt), INPUTS)


@pytest.mark.parametrize(
    ("condition", "outcome", "finding", "expected"),
    [
        ('lender_band = { gte = "2" }', "ADVERSE", {"lender_band": "1+"}, "PROCEED"),
        ('lender_band = { gte = "1" }', "ADVERSE", {"lender_band": "1+"}, "STOP_NEW_CREDIT"),
        ('lender_band = { lte = "1" }', "ADVERSE", {"lender_band": "1+"}, "PROCEED"),
        ('months_since_worst = { lte = "24+" }', "ADVERSE", {}, "PROCEED"),
        (
            'months_since_worst = { lte = "3-5" }',
            "ADVERSE",
            {"months_since_worst": "0-2"},
            "STOP_NEW_CREDIT",
        ),
        (
            'months_since_worst = { gte = "12-23" }',
            "ADVERSE",
            {"months_since_worst": "6-11"},
            "PROCEED",
        ),
        ('late_months = { gte = "3-5" }', "ADVERSE", {"late_months": "6+"}, "STOP_NEW_CREDIT"),
        ('freshest_month = { lte = "2026-10" }', "ADVERSE", {}, "PROCEED"),
        ('freshest_month = { lte = "2027-01" }', "ADVERSE", {}, "STOP_NEW_CREDIT"),
        ('freshest_month = { in = ["2026-11"] }', "ADVERSE", {}, "STOP_NEW_CREDIT"),
        ("dispute = { eq = true }", "ADVERSE", {"dispute": True}, "STOP_NEW_CREDIT"),
        ("dispute = { eq = false }", "ADVERSE", {"dispute": True}, "PROCEED"),
        (
            "has_statement = { eq = true }",
            "ADVERSE",
            {"statement": "It was not me."},
            "STOP_NEW_CREDIT",
        ),
        ("has_statement = { eq = true }", "ADVERSE", {}, "PROCEED"),
        ('grade = { gte = "B" }', "ADVERSE", {}, "PROCEED"),
        ('grade = { gte = "B" }', "ADVERSE", {"current_bucket": 1}, "STOP_NEW_CREDIT"),
        ('grade = { gte = "A" }', "NO_DATA", None, "REVIEW"),
        ('grade = { eq = "U" }', "NO_DATA", None, "STOP_NEW_CREDIT"),
        ('reasons = { in = ["R01", "R05"] }', "ADVERSE", {"current_bucket": 1}, "STOP_NEW_CREDIT"),
        ('reasons = { eq = "R05" }', "ADVERSE", {"current_bucket": 1}, "PROCEED"),
        ('reasons = { eq = "R08" }', "WITHHELD", None, "STOP_NEW_CREDIT"),
        ('outcome = { in = ["WITHHELD", "NO_DATA"] }', "NO_DATA", None, "STOP_NEW_CREDIT"),
        ("current_bucket = { gte = 0 }", "NO_DATA", None, "REVIEW"),
        ("current_bucket = { gte = 0 }", "WITHHELD", None, "REVIEW"),
        ('velocity_90 = { lte = "10+" }', "WITHHELD", None, "REVIEW"),
    ],
)
def test_a_condition_compares_by_the_order_of_its_bands(
    condition: str,
    outcome: str,
    finding: Mapping[str, object] | None,
    expected: str,
    tmp_path: Path,
) -> None:
    """A band read as a word, or a missing one as zero, decides about the wrong people."""
    policy = policy_of(tmp_path, rule("r", condition, STOP))
    shown = {} if outcome == "NO_DATA" else None if finding is None else {**CLEAN, **finding}

    assert expected == decide(policy, receipt_of(outcome, shown)).decision


@pytest.mark.parametrize(
    ("inputs", "condition", "value", "expected"),
    [
        ("integer", "{ gte = 5, lte = 7 }", 7, "STOP_NEW_CREDIT"),
        ("integer", "{ gte = 5, lte = 7 }", 8, "PROCEED"),
        ("integer", "{ in = [5, 9], lte = 7 }", 9, "PROCEED"),
        ("boolean", "{ eq = true }", True, "STOP_NEW_CREDIT"),
        ("text", '{ in = ["shop", "web"] }', "web", "STOP_NEW_CREDIT"),
        ("text", '{ eq = "web" }', "shop", "PROCEED"),
    ],
)
def test_own_inputs_are_compared_by_their_type(
    inputs: str, condition: str, value: Value, expected: str, tmp_path: Path
) -> None:
    """What the member knows by itself weighs as it says, and its reason says so."""
    head = HEAD + f'own_inputs = {{ x = "{inputs}" }}\n'
    policy = policy_of(tmp_path, rule("r", f"x = {condition}", STOP), head=head)

    decision = decide(policy, receipt_of("NO_ADVERSE", CLEAN), {"x": value})

    assert (expected, ("P01",) if expected != "PROCEED" else ()) == (
        decision.decision,
        decision.reasons,
    )
    for wrong in ({}, {"x": value, "y": 1}, {"x": 1.5}, {"x": None}):
        with pytest.raises(UsageError, match="own input"):
            decide(policy, receipt_of("NO_ADVERSE", CLEAN), wrong)  # type: ignore[arg-type]  # wrong on purpose


def test_what_is_not_shown_asks_for_a_person(tmp_path: Path) -> None:
    """A grant that shows less must not read as a cleaner borrower, nor as a cheaper one."""
    price = rule("dear", 'late_months = { gte = "1" }', 'decision = "PROCEED", price_band = "b2"')
    policy = policy_of(tmp_path, CAP, rule("stop", LATE_NOW, STOP), price, B2)
    shallow = {"dispute": False, "freshest_month": "2026-11"}

    flagged = decide(policy, receipt_of("ADVERSE", shallow, flag=True))
    told = decide(policy, receipt_of("ADVERSE", CLEAN))

    assert (Action.REVIEW, ("dear", "stop"), ()) == (
        flagged.decision,
        flagged.untold,
        flagged.matched,
    )
    assert (("P02",), Action.PROCEED, ()) == (flagged.reasons, told.decision, told.untold)


@pytest.mark.parametrize(
    "condition",
    ['velocity_7 = { gte = "1" }', 'grade = { gte = "E" }', 'reasons = { eq = "R01" }'],
)
def test_no_grade_and_no_velocity_are_not_good_ones(condition: str, tmp_path: Path) -> None:
    """An answer without a grade says nothing of how the borrower pays."""
    policy = policy_of(tmp_path, rule("r", condition, STOP))
    shallow = {"dispute": False, "freshest_month": "2026-11"}

    assert ("r",) == decide(policy, receipt_of("ADVERSE", shallow, flag=True)).untold


def test_neither_no_data_nor_a_decision_is_read_as_a_yes(tmp_path: Path) -> None:
    """`if decision:` would be true for a stop as well."""
    policy = policy_of(tmp_path)
    allowed = policy_of(
        tmp_path,
        head=HEAD.replace('NO_DATA = "REVIEW"', 'NO_DATA = "PROCEED"') + "allow_no_data = true",
    )
    receipt = receipt_of("NO_DATA", {})

    decision = decide(policy, receipt)

    assert (Action.REVIEW, Outcome.NO_DATA) == (decision.decision, decision.outcome)
    assert Action.PROCEED is decide(allowed, receipt).decision
    with pytest.raises(AnswerMisread, match="neither true nor false"):
        bool(decision)


def test_an_amount_without_another_currency_says_that_there_is_none(tmp_path: Path) -> None:
    """A band that an older exchange leaves out must not send everybody to a person."""
    finding = {name: value for name, value in CLEAN.items() if name != "other_currency"}
    without = {name: value for name, value in finding.items() if name != "overdue_amount_band"}
    policy = policy_of(tmp_path, rule("r", "other_currency = { eq = true }", STOP))

    assert ((), ("r",)) == (
        decide(policy, receipt_of("ADVERSE", finding)).untold,
        decide(policy, receipt_of("ADVERSE", without)).untold,
    )


def test_a_grade_of_another_model_is_not_decided_by(tmp_path: Path) -> None:
    """An E of another model may be a B of this one."""
    receipt = receipt_of("ADVERSE", LATE)
    other = Receipt(text="", claims=replace(receipt.claims, model="points_v2"))

    with pytest.raises(UsageError, match="another model"):
        decide(policy_of(tmp_path), other)


def test_the_smallest_limit_and_the_dearest_price_hold(tmp_path: Path) -> None:
    """Two rules that hold are not a choice for the milder one."""
    rules = [
        rule("a", LATE_NOW, f'{REVIEW}, limit_factor = "0.30", price_band = "dear"'),
        rule("b", LATE_NOW, 'decision = "REDUCE_LIMIT", limit_factor = "0.1", price_band = "b2"'),
        rule("c", LATE_NOW, 'decision = "REDUCE_LIMIT", limit_factor = "0.7", price_band = "none"'),
    ]
    policy = policy_of(tmp_path, CAP, *rules, B2, "[price_band.dear]\napr_bp = 2400\n")

    decision = decide(policy, receipt_of("ADVERSE", LATE))

    assert (Action.REDUCE_LIMIT, Decimal("0.1"), "dear", 2400, ("a", "b", "c"), True) == (
        decision.decision,
        decision.limit_factor,
        decision.price_band,
        decision.apr_bp,
        decision.matched,
        decision.human_review,
    )
    assert "0.1" == decision.as_json()["limit_factor"]


def test_the_two_answers_without_a_finding_stay_what_they_are() -> None:
    """A finding read off NO_DATA would be a clean one."""
    assert isinstance(answer_of(receipt_of("NO_DATA", {})), NoData)
    assert isinstance(answer_of(receipt_of("ADVERSE", LATE)), Adverse)
