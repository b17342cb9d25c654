"""Grant artefacts: form, rules across members, policy, and what a registration stores."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TypedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.artefact import (
    Artefact,
    check_together,
    parse_artefact,
    subject_commitment,
    subject_commitment_text,
)
from consent.claims import ArtefactRefused
from consent.grants import GrantState, HeldGrant
from consent.profiles import load_profile
from consent.purposes import Detail, Purpose
from consent.terms import check_policy, hold
from tests.support.artefacts import ABSENT, artefact_claims, changed

FOLDER = Path(__file__).parents[2] / "vectors"
VECTORS = json.loads((FOLDER / "artefacts_v1.json").read_text(encoding="utf-8"))
COMMITMENTS = json.loads((FOLDER / "commitments_v1.json").read_text(encoding="utf-8"))
NOW = VECTORS["now"]
CN = load_profile("CN")


class Case(TypedDict):
    """One case of the vectors."""

    name: str
    set: dict[str, object]
    remove: list[str]
    step: str
    field: str


def judge(claims: dict[str, object], parties: list[str] | None = None) -> Artefact:
    """Read one artefact and hold it to every rule that needs no registry."""
    artefact = parse_artefact(claims)
    check_together(artefact, signer=VECTORS["signer"], exchange=VECTORS["exchange"], now=NOW)
    check_policy(
        artefact,
        load_profile(VECTORS["profile"]),
        frozenset(VECTORS["parties"] if parties is None else parties),
    )
    return artefact


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_the_artefact_vectors_hold(case: Case) -> None:
    """A lender learns which member of its artefact is wrong, whatever language it is written in."""
    changes = {**case["set"], **dict.fromkeys(case["remove"], ABSENT)}
    claims = changed(VECTORS["claims"], changes)

    try:
        judge(claims)
    except ArtefactRefused as refused:
        found = (refused.step.value, refused.field)
    else:
        found = ("", "")

    assert (case["step"], case["field"]) == found


@pytest.mark.parametrize("case", COMMITMENTS["cases"], ids=lambda case: case["input"][14:22])
def test_the_commitment_vectors_hold(case: dict[str, str]) -> None:
    """An auditor recomputes the commitment from the salt and the identifier alone."""
    salt = base64.urlsafe_b64decode(case["salt"] + "=")

    assert case["commit"] == subject_commitment_text(salt, case["input"].encode())


def test_the_commitment_of_the_design_comes_out() -> None:
    """The printed worked value and the code agree."""
    assert "MF3w7dK52O2au8xT7bxpsi2fv9CpCDe2lW7GCyNIb-g" == COMMITMENTS["cases"][0]["commit"]


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_commitment_needs_the_whole_salt(length: int) -> None:
    """A short salt would let anyone guess the subject."""
    with pytest.raises(ValueError, match="32 bytes"):
        subject_commitment(bytes(length), b"x")


@pytest.mark.parametrize("parties", [[], ["contributor"], ["regulator"]])
def test_a_member_without_the_role_cannot_register(parties: list[str]) -> None:
    """A grant cannot be stored by a member that may not use it."""
    with pytest.raises(ArtefactRefused, match="not open to this member"):
        judge(VECTORS["claims"], parties)


def test_a_level_below_the_policy_is_refused() -> None:
    """Raising the level of evidence acts on the next registration."""
    purpose = Purpose.CREDIT_APPLICATION
    policy = {**CN.policy, purpose: replace(CN.policy[purpose], level=2)}
    artefact = parse_artefact(VECTORS["claims"])

    with pytest.raises(ArtefactRefused, match="evidence/level"):
        check_policy(artefact, replace(CN, policy=MappingProxyType(policy)), frozenset({"asker"}))


def test_fraud_prevention_never_rests_on_consent() -> None:
    """A fraudster's own consent opens nothing, even where the purpose is on."""
    purpose = Purpose.FRAUD_PREVENTION
    policy = {**CN.policy, purpose: replace(CN.policy[purpose], on=True)}
    artefact = parse_artefact(artefact_claims(member="m1", exchange="x1", now=NOW, purpose=purpose))

    with pytest.raises(ArtefactRefused, match="must not be consent"):
        check_policy(artefact, replace(CN, policy=MappingProxyType(policy)), frozenset({"asker"}))


def test_a_basis_other_than_consent_registers_where_the_profile_has_it() -> None:
    """A lender under another country's law is not asked for a consent that law does not need."""
    claims = artefact_claims(member="m1", exchange="x1", now=NOW, profile="UK")

    artefact = parse_artefact(claims)

    check_together(artefact, signer="m1", exchange="x1", now=NOW)
    check_policy(artefact, load_profile("UK"), frozenset({"asker"}))
    assert (None, "test basis") == (artefact.withdrawal, artefact.basis_ref)


def test_a_registration_stores_the_terms_that_uses_are_judged_by() -> None:
    """What the borrower agreed to is what every later look is held to."""
    claims = changed(
        VECTORS["claims"],
        {
            "purpose": "account_review",
            "use": {"fetch": "recurring", "mode": "QUERY", "frequency": {"max": 1, "days": 30}},
            "cross_border/allowed": True,
        },
    )

    held = hold(parse_artefact(claims), GrantState.ACTIVE)

    assert held == HeldGrant(
        grantee="member-a",
        purpose="account_review",
        state=GrantState.ACTIVE,
        level=1,
        cross_border=True,
        not_before=NOW,
        expires=NOW + 30 * 86_400,
        uses=0,
        max_uses=None,
        window_start=0,
        window_uses=0,
        window_max=1,
        window_seconds=30 * 86_400,
        detail=Detail.BANDS,
        fields=frozenset({"current_bucket", "worst_bucket", "late_months", "freshest_month"}),
        lookback_months=24,
    )


def test_a_once_grant_has_no_window() -> None:
    """One use is one use, on whatever day."""
    held = hold(parse_artefact(VECTORS["claims"]), GrantState.ACTIVE)

    assert (1, None, 0) == (held.max_uses, held.window_max, held.window_seconds)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=50),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(name=st.sampled_from([*sorted(VECTORS["claims"]), "more"]), value=json_values)
def test_any_value_in_any_member_is_taken_or_refused_cleanly(name: str, value: object) -> None:
    """A broken artefact is an answer with a field and never a crash, and echoes no value."""
    claims = {**VECTORS["claims"], name: value}

    said, field = "", ""
    try:
        judge(claims)
    except ArtefactRefused as refused:
        said, field = str(refused), refused.field

    assert field.split("/")[0] in {"", *VECTORS["claims"]}
    assert not (isinstance(value, str) and len(value) > 8 and value in said)
