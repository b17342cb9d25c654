"""What rules can ask about: every band there is, and every grade that can be reached."""

from __future__ import annotations

from pathlib import Path

import pytest

from exchange_client.policy.fields import BANDS, DOMAINS
from tests.client.policy.samples import CLEAN, STOP, policy_of, rule


@pytest.mark.parametrize(
    ("letter", "bands"),
    [
        # Long-mended arrears alone: the sum is negative, the score 0.
        ("A", {"worst_bucket": "0", "months_since_worst": '"24+"', "late_months": '"0"'}),
        # The worst of everything: the sum is over 100, the score 100.
        ("F", {"worst_bucket": "7", "months_since_worst": '"0-2"', "late_months": '"6+"'}),
    ],
)
def test_a_grade_at_either_end_can_be_asked_for(
    letter: str, bands: dict[str, str], tmp_path: Path
) -> None:
    """A check that refuses what can happen keeps a lender from meeting it."""
    least = letter == "A"
    bands = bands | {
        "current_bucket": "0" if least else "7",
        "overdue_amount_band": "0" if least else "5",
        "lender_band": '"0"' if least else '"3+"',
        "velocity_30": '"0"' if least else '"10+"',
        "grade": f'"{letter}"',
    }
    conditions = ", ".join(f"{name} = {{ eq = {value} }}" for name, value in bands.items())

    assert 8 == len(policy_of(tmp_path, rule("r", conditions, STOP)).rules[0].when)


def test_every_band_of_a_finding_can_be_asked_about() -> None:
    """A band that no rule can name is a risk that no policy can meet."""
    bands = {*CLEAN} - {"velocity", "statement"} | {"has_statement"}

    assert bands <= DOMAINS.keys()
    assert bands - {"dispute"} == BANDS.keys()


@pytest.mark.parametrize(
    "conditions",
    [
        'outcome = { eq = "NO_DATA" }, reasons = { eq = "R09" }',
        'outcome = { eq = "NO_DATA" }, reasons = { in = ["R01", "R10"] }',
        'outcome = { eq = "NO_DATA" }, velocity_7 = { gte = "1" }, dispute = { eq = true }',
        'outcome = { in = ["WITHHELD", "NO_DATA"] }, grade = { eq = "U" }',
        'outcome = { eq = "WITHHELD" }, reasons = { eq = "R08" }',
        'outcome = { eq = "NO_ADVERSE" }, grade = { in = ["U", "C"] }, worst_bucket = { gte = 1 }',
    ],
)
def test_what_an_answer_can_show_together_can_be_asked_together(
    conditions: str, tmp_path: Path
) -> None:
    """The same: a rule on a disputed record that is kept out of the answer is a fair one."""
    assert policy_of(tmp_path, rule("r", conditions, STOP)).rules
