"""Policies and receipts for the tests of a member's policy."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from exchange_client.answers.claims import ReceiptClaims
from exchange_client.answers.findings import Finding
from exchange_client.grades import MODEL, grade_of
from exchange_client.policy import Policy, load_policy
from exchange_client.receipts import Receipt

README = Path(__file__).parents[3] / "clients/python/README.md"
# What every policy needs; the floor is low, so that tests see what rules do.
HEAD = """\
version = "1"
model = "points_v1"
default = { ADVERSE = "PROCEED", NO_ADVERSE = "PROCEED", NO_DATA = "REVIEW", WITHHELD = "REVIEW" }
"""
CLEAN: Mapping[str, object] = {
    "current_bucket": 0,
    "worst_bucket": 0,
    "months_since_worst": "none",
    "late_months": "0",
    "lender_band": "0",
    "open_overdue_band": "0",
    "overdue_amount_band": 0,
    "other_currency": False,
    "freshest_month": "2026-11",
    "velocity": {"7": "0", "30": "0", "90": "0"},
    "dispute": False,
    "statement": None,
}
LATE = {**CLEAN, "current_bucket": 3, "worst_bucket": 3, "months_since_worst": "0-2"}
LATE |= {"late_months": "3-5", "lender_band": "2", "open_overdue_band": "2"}
STOP = 'decision = "STOP_NEW_CREDIT"'
REVIEW = 'decision = "REVIEW"'
LATE_NOW = "current_bucket = { gte = 2 }"
CAP = 'apr_cap = { bp = 2400, source = "counsel 7" }\n'
B2 = "[price_band.b2]\napr_bp = 1800\n"


def sample() -> str:
    """Return the policy that the page of the SDK shows."""
    found = re.search(r"```toml\n(# policy\.toml\n.*?)```", README.read_text(), re.DOTALL)
    assert found, "the page shows no policy"
    return found[1]


def rule(name: str, when: str, then: str) -> str:
    """Write a rule of three lines after its head: id, when, then."""
    return f'[[rule]]\nid = "{name}"\nwhen = {{ {when} }}\nthen = {{ {then} }}\n'


def policy_of(folder: Path, *rules: str, head: str = HEAD) -> Policy:
    """Load a policy of these rules."""
    place = folder / "policy.toml"
    place.write_text(head + "".join(rules), encoding="utf-8")
    return load_policy(place)


def receipt_of(
    outcome: str, finding: Mapping[str, object] | None = None, *, flag: bool = False
) -> Receipt:
    """Return what a verified receipt of this answer holds, graded by the model."""
    grade, reasons = None, ["R08"] if outcome == "WITHHELD" else []
    if outcome == "NO_DATA":
        grade, reasons = "U", ["R07"]
    elif finding is not None and not flag:
        graded = grade_of(finding)
        grade, reasons = graded.letter, list(graded.reasons)
    claims = ReceiptClaims(
        iss="cx-test",
        aud="lender-a",
        iat=1_795_000_000,
        exp=1_795_000_000 + 180 * 86_400,
        jti="qry_0192f3a0000070008000000000000001",
        req=bytes(32),
        sub=bytes(48),
        purpose="credit_application",
        grant="gnt_0192f3a0000070008000000000000001",
        outcome=outcome,
        reason="grant.expired" if outcome == "WITHHELD" else "permitted",
        finding=None if finding is None else Finding(finding),
        grade=grade,
        reasons=tuple(reasons),
        model=MODEL,
        policy="cn@1",
        profile="cn@1",
        epoch="ep_1",
        leaf=bytes(32),
        log="exchange.example/access/2026",
        mmd=60,
        limits=(),
    )
    return Receipt(text="", claims=claims)
