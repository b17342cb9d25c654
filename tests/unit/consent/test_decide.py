"""`decide`: the vectors, and the property that whatever is not permitted is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TypedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.decision import Decision, Gate, Reason, Request, decide, gate
from consent.grants import STORED_STATES, GrantState, HeldGrant
from consent.profiles import Profile, load_profile
from consent.purposes import (
    DETAIL_DEPTH,
    FINDING_FIELDS,
    PURPOSES,
    QUERY_PURPOSES,
    Account,
    Act,
    Detail,
    Permission,
    Purpose,
)

VECTORS = json.loads(
    (Path(__file__).parents[2] / "vectors" / "decisions_v1.json").read_text(encoding="utf-8")
)
NOW = VECTORS["now"]
CN = load_profile("CN")
OPEN = replace(  # every purpose on, so that none hides behind a policy
    CN,
    policy=MappingProxyType({p: replace(policy, on=True) for p, policy in CN.policy.items()}),
)


class Case(TypedDict, total=False):
    """One case of the vectors."""

    name: str
    request: dict[str, object]
    grant: dict[str, object] | None
    reason: str
    detail: str
    fields: list[str]
    lookback_months: int
    limits: list[str]


def request_of(members: dict[str, object]) -> Request:
    """Build a request from the base of the vectors and one case's changes."""
    both = {**VECTORS["request"], **members}
    return Request(
        **{
            **both,
            "purpose": Purpose(both["purpose"]),
            "act": Act(both["act"]),
            "parties": frozenset(both["parties"]),
            "detail": Detail(both["detail"]),
        }
    )


def grant_of(members: dict[str, object] | None) -> HeldGrant | None:
    """Build a grant from the base of the vectors and one case's changes."""
    if members is None:
        return None
    both = {**VECTORS["grant"], **members}
    return HeldGrant(
        **{
            **both,
            "state": GrantState(both["state"]),
            "detail": Detail(both["detail"]),
            "fields": frozenset(both["fields"]),
        }
    )


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_the_decision_vectors_hold(case: Case) -> None:
    """A lender's software foresees exactly the reason that the exchange will give."""
    decision = decide(
        request_of(case["request"]), grant_of(case["grant"]), load_profile(VECTORS["profile"]), NOW
    )

    assert case["reason"] == decision.reason
    assert (case["reason"] == "permitted") is decision.permitted
    assert VECTORS["policy"] == decision.policy
    if "fields" in case:
        assert case["fields"] == sorted(decision.fields)
        assert (case["detail"], case["limits"], case["lookback_months"]) == (
            decision.detail,
            list(decision.limits),
            decision.lookback_months,
        )


def test_the_vectors_name_every_reason() -> None:
    """No reason reaches a lender that no vector shows."""
    assert {case["reason"] for case in VECTORS["cases"]} == set(Reason)


requests = st.builds(
    Request,
    purpose=st.sampled_from(Purpose),
    act=st.sampled_from(Act),
    member=st.sampled_from(["member-a", "member-b"]),
    parties=st.frozensets(
        st.sampled_from(["asker", "contributor", "regulator", "subject", "exchange"])
    ),
    grant_named=st.booleans(),
    detail=st.sampled_from([Detail.FLAG, Detail.BANDS]),
    abroad=st.booleans(),
    reciprocal=st.booleans(),
    case_open=st.booleans(),
    spends=st.booleans(),
)
near_now = st.integers(NOW - 70, NOW + 70)
grants = st.builds(
    HeldGrant,
    grantee=st.sampled_from(["member-a", "member-b"]),
    purpose=st.sampled_from([purpose.value for purpose in Purpose]),
    state=st.sampled_from(GrantState),
    level=st.integers(0, 3),
    cross_border=st.booleans(),
    not_before=near_now,
    expires=near_now,
    uses=st.integers(0, 3),
    max_uses=st.none() | st.integers(1, 3),
    window_start=near_now,
    window_uses=st.integers(0, 2),
    window_max=st.none() | st.integers(1, 2),
    window_seconds=st.integers(0, 100),
    detail=st.sampled_from([Detail.FLAG, Detail.BANDS]),
    fields=st.frozensets(st.sampled_from(sorted(FINDING_FIELDS))),
    lookback_months=st.integers(0, 60),
    own_account=st.booleans(),
)


def agreeing(request: Request, grant: HeldGrant) -> tuple[Request, HeldGrant]:
    """Make the two agree on the first steps: most random pairs never reach the later ones."""
    rule = PURPOSES[request.purpose]
    return (
        replace(request, act=rule.act, parties=rule.parties),
        replace(grant, grantee=request.member, purpose=request.purpose, state=GrantState.ACTIVE),
    )


likely = st.builds(agreeing, requests, grants)
Obstacle = Callable[[Request, HeldGrant, Profile], bool]

# The table of reasons, written a second time: each with the sentence that makes it apply.
OBSTACLES: dict[Reason, Obstacle] = {
    Reason.PURPOSE_OFF: lambda r, g, p: (
        not p.policy[r.purpose].on
        or PURPOSES[r.purpose].act != r.act
        or not PURPOSES[r.purpose].parties & r.parties
    ),
    Reason.RECIPROCITY_NONE: lambda r, g, p: not r.reciprocal,
    Reason.GRANT_MISSING: lambda r, g, p: not r.grant_named,
    Reason.GRANT_UNUSABLE: lambda r, g, p: g.grantee != r.member,
    Reason.GRANT_REQUESTED: lambda r, g, p: g.state == "REQUESTED",
    Reason.GRANT_REJECTED: lambda r, g, p: g.state == "REJECTED",
    Reason.GRANT_PAUSED: lambda r, g, p: g.state == "PAUSED",
    Reason.GRANT_WITHDRAWN: lambda r, g, p: g.state == "WITHDRAWN",
    Reason.GRANT_REVOKED: lambda r, g, p: g.state == "REVOKED",
    Reason.GRANT_SUPERSEDED: lambda r, g, p: g.state == "SUPERSEDED",
    Reason.GRANT_INVALIDATED: lambda r, g, p: g.state == "INVALIDATED",
    Reason.GRANT_EARLY: lambda r, g, p: g.not_before > NOW + 60,
    Reason.GRANT_EXPIRED: lambda r, g, p: g.expires <= NOW,
    Reason.GRANT_PURPOSE: lambda r, g, p: g.purpose != r.purpose,
    Reason.GRANT_LEVEL: lambda r, g, p: g.level < p.policy[r.purpose].level,
    Reason.GRANT_ABROAD: lambda r, g, p: r.abroad and not g.cross_border,
    Reason.GRANT_USED_UP: lambda r, g, p: (
        r.spends and g.max_uses is not None and g.uses >= g.max_uses
    ),
    Reason.GRANT_TOO_OFTEN: lambda r, g, p: (
        r.spends
        and g.window_max is not None
        and g.window_start + g.window_seconds > NOW
        and g.window_uses >= g.window_max
    ),
    Reason.ACCOUNT_NONE: lambda r, g, p: (
        PURPOSES[r.purpose].account is not Account.NONE and not g.own_account
    ),
}


def expected(request: Request, grant: HeldGrant, profile: Profile) -> Reason:
    """Return the first reason of the second table that applies."""
    if PURPOSES[request.purpose].permission is not Permission.GRANT:
        refusals = [OBSTACLES[Reason.PURPOSE_OFF], OBSTACLES[Reason.RECIPROCITY_NONE]]
        for reason, stands in zip(OBSTACLES, refusals, strict=False):
            if stands(request, grant, profile):
                return reason
        return Reason.PERMITTED if request.case_open else Reason.CASE_MISSING
    for reason, stands in OBSTACLES.items():
        if stands(request, grant, profile):
            return reason
    return Reason.PERMITTED


stored = grants.filter(lambda grant: grant.state in STORED_STATES)


@given(pair=likely | st.tuples(requests, stored), profile=st.sampled_from([CN, OPEN]))
def test_the_first_obstacle_in_the_table_is_the_reason(
    pair: tuple[Request, HeldGrant], profile: Profile
) -> None:
    """A borrower's refusal is explained by one reason, the same every time."""
    request, grant = pair

    decision = decide(request, grant, profile, NOW)

    assert expected(request, grant, profile) == decision.reason


@given(pair=st.tuples(requests, grants | st.none()) | likely, profile=st.sampled_from([CN, OPEN]))
def test_what_is_refused_shows_nothing(
    pair: tuple[Request, HeldGrant | None], profile: Profile
) -> None:
    """A refusal can never carry a field of anybody's record."""
    request, grant = pair

    decision = decide(request, grant, profile, NOW)

    assert decision.permitted is (decision.reason is Reason.PERMITTED)
    if not decision.permitted:
        assert (frozenset(), Detail.OUTCOME, 0) == (
            decision.fields,
            decision.detail,
            decision.lookback_months,
        )


@given(pair=likely)
def test_an_answer_is_never_deeper_than_asked_granted_or_allowed(
    pair: tuple[Request, HeldGrant],
) -> None:
    """A borrower who agreed to a flag is never shown in bands."""
    request, grant = pair
    rule, policy = PURPOSES[request.purpose], OPEN.policy[request.purpose]

    decision = decide(request, grant, OPEN, NOW)

    deepest = min(request.detail, policy.detail, grant.detail, key=DETAIL_DEPTH.__getitem__)
    assert DETAIL_DEPTH[decision.detail] <= DETAIL_DEPTH[deepest]
    assert decision.fields <= rule.fields
    assert decision.fields <= grant.fields | {"dispute", "statement"}
    assert decision.detail != Detail.FLAG or decision.fields <= {"dispute", "freshest_month"}
    assert decision.lookback_months <= min(policy.lookback_months, grant.lookback_months)


@given(request=requests, profile=st.sampled_from([CN, OPEN]))
def test_without_a_grant_nobody_looks(request: Request, profile: Profile) -> None:
    """No query is ever answered on nothing."""
    decision = decide(request, None, profile, NOW)

    assert not (decision.permitted and request.act is Act.LOOK)


@pytest.mark.parametrize("state", [GrantState.EXPIRED, GrantState.CONSUMED])
def test_a_derived_state_that_was_stored_all_the_same_refuses(state: GrantState) -> None:
    """A row that should not exist does not open anything."""
    grant = grant_of({"state": state})

    decision = decide(request_of({}), grant, CN, NOW)

    assert decision.reason in {Reason.GRANT_EXPIRED, Reason.GRANT_USED_UP}


@pytest.mark.parametrize("purpose", sorted(Purpose))
def test_a_bare_request_is_refused_under_every_purpose(purpose: Purpose) -> None:
    """What nobody said is not so: the default is no."""
    bare = Request(purpose=purpose, act=Act.LOOK, member="member-a", parties=frozenset({"asker"}))

    assert not decide(bare, grant_of({"purpose": purpose}), OPEN, NOW).permitted


def passes_sql(request: Request, opened: Gate, grant: HeldGrant) -> bool:
    """Judge a row as the SQL gate does: the same clauses, in one conjunction."""
    return (
        opened.open
        and grant.grantee == request.member
        and grant.state == "ACTIVE"
        and grant.purpose == request.purpose
        and grant.not_before <= NOW + 60
        and grant.expires > NOW
        and grant.level >= opened.level
        and (grant.cross_border or not opened.abroad)
        and (opened.account is Account.NONE or grant.own_account)
        and (grant.max_uses is None or grant.uses < grant.max_uses)
        and (
            grant.window_max is None
            or grant.window_start + grant.window_seconds <= NOW
            or grant.window_uses < grant.window_max
        )
    )


@given(pair=likely | st.tuples(requests, grants), profile=st.sampled_from([CN, OPEN]))
def test_the_gate_spends_exactly_what_decide_permits(
    pair: tuple[Request, HeldGrant], profile: Profile
) -> None:
    """A use is never counted for a refused look, and no look is permitted without its use."""
    request, grant = replace(pair[0], spends=True), pair[1]

    opened = gate(request, profile)

    permitted = decide(request, grant, profile, NOW).permitted
    if PURPOSES[request.purpose].needs_grant:
        assert passes_sql(request, opened, grant) is permitted
    else:
        assert not opened.open


def test_the_gate_names_the_account_that_a_purpose_needs() -> None:
    """Monitoring asks for an open account, collections for an overdue one."""
    accounts = {
        purpose: gate(request_of({"purpose": purpose}), CN).account for purpose in QUERY_PURPOSES
    }

    assert {
        Purpose.CREDIT_APPLICATION: Account.NONE,
        Purpose.GUARANTOR_CHECK: Account.NONE,
        Purpose.FRAUD_PREVENTION: Account.NONE,
        Purpose.ACCOUNT_REVIEW: Account.OPEN,
        Purpose.PORTFOLIO_MONITORING: Account.OPEN,
        Purpose.COLLECTIONS: Account.OVERDUE,
    } == accounts


def test_collections_and_fraud_see_almost_nothing_even_where_they_are_open() -> None:
    """A profile that opens a narrow purpose opens no more than its fields."""
    fields: dict[Purpose, frozenset[str]] = {}
    for purpose in (Purpose.COLLECTIONS, Purpose.FRAUD_PREVENTION):
        grant = grant_of({"purpose": purpose, "own_account": True})
        decision: Decision = decide(request_of({"purpose": purpose}), grant, OPEN, NOW)
        assert decision.permitted
        fields[purpose] = decision.fields

    assert {
        Purpose.COLLECTIONS: frozenset(),
        Purpose.FRAUD_PREVENTION: frozenset({"velocity"}),
    } == fields
