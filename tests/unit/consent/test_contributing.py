"""Contributing: a row's permission and the fault it gets."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import pytest

from consent.artefact import parse_artefact
from consent.contributing import ROW_FAULTS, judge_row, row_fault
from consent.decision import Reason
from consent.grants import GrantState, HeldGrant
from consent.profiles import load_profile
from consent.purposes import Purpose
from consent.terms import hold
from tests.support.artefacts import artefact_claims

NOW = 1_764_000_000
CN = load_profile("CN")
CLAIMS = artefact_claims(member="m1", exchange="x1", now=NOW, purpose=Purpose.CONTRIBUTE)
GRANT = hold(parse_artefact(CLAIMS), GrantState.ACTIVE)


@pytest.mark.parametrize(
    ("grant", "fault"),
    [
        (GRANT, None),
        (replace(GRANT, uses=1_000), None),
        (replace(GRANT, uses=1, max_uses=1), None),  # a row is no use
        (replace(GRANT, window_max=1, window_uses=1, window_seconds=2 * NOW), None),
        (None, "row.grant_missing"),
        (replace(GRANT, grantee="m2"), "row.grant_missing"),
        (replace(GRANT, state=GrantState.REQUESTED), "row.grant_missing"),
        (replace(GRANT, state=GrantState.REJECTED), "row.grant_missing"),
        (replace(GRANT, state=GrantState.PAUSED), "row.grant_withdrawn"),
        (replace(GRANT, state=GrantState.WITHDRAWN), "row.grant_withdrawn"),
        (replace(GRANT, state=GrantState.REVOKED), "row.grant_withdrawn"),
        (replace(GRANT, state=GrantState.SUPERSEDED), "row.grant_withdrawn"),
        (replace(GRANT, state=GrantState.INVALIDATED), "row.grant_withdrawn"),
        (replace(GRANT, not_before=NOW + 61), "row.grant_expired"),
        (replace(GRANT, expires=NOW), "row.grant_expired"),
        (replace(GRANT, purpose="credit_application"), "row.grant_purpose"),
        (replace(GRANT, level=0), "row.grant_missing"),
    ],
)
def test_a_row_without_a_live_grant_has_its_fault(
    grant: HeldGrant | None, fault: str | None
) -> None:
    """Nothing is held about a borrower without a permission that covers it."""
    assert fault == row_fault(grant, member="m1", profile=CN, now=NOW)


def test_a_closed_purpose_faults_every_row() -> None:
    """Where a country forbids reporting, no grant opens it."""
    policy = {**CN.policy, Purpose.CONTRIBUTE: replace(CN.policy[Purpose.CONTRIBUTE], on=False)}
    closed = replace(CN, policy=MappingProxyType(policy))

    assert "row.grant_purpose" == row_fault(GRANT, member="m1", profile=closed, now=NOW)


def test_a_row_is_reported_under_the_policy_that_judged_it() -> None:
    """An auditor can tell which version of the rules let a row in."""
    assert ("cn@1", Reason.PERMITTED) == (
        (decision := judge_row(GRANT, member="m1", profile=CN, now=NOW)).policy,
        decision.reason,
    )


def test_each_reason_a_row_can_meet_has_a_fault() -> None:
    """A lender never gets a rejected row without the code that says why."""
    unmet = {
        Reason.PERMITTED,
        Reason.RECIPROCITY_NONE,
        Reason.CASE_MISSING,
        Reason.GRANT_ABROAD,
        Reason.GRANT_USED_UP,
        Reason.GRANT_TOO_OFTEN,
        Reason.ACCOUNT_NONE,
    }

    assert set(Reason) - unmet == ROW_FAULTS.keys()
