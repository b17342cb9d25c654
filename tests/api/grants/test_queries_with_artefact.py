"""A question that brings its grant along: registered and used in one transaction, or neither."""

from __future__ import annotations

import pytest

from tests.support.artefacts import grant_id
from tests.support.grant_desk import GrantDesk, answer_claims, query_id, refusal, shown

RECORDED = (
    "SELECT (SELECT count(*) FROM grants), (SELECT count(*) FROM grant_artefact),"
    " (SELECT count(*) FROM grant_event), (SELECT count(*) FROM grant_evidence)"
)


def test_a_question_may_bring_its_grant(desk: GrantDesk) -> None:
    """A lender at the counter needs one call; the grant is on record like any other."""
    jti = grant_id(desk.now)

    claims = answer_claims(desk.ask(None, changes={"artefact": desk.artefact(jti=jti)}))

    assert ("permitted", jti) == (claims["reason"], claims["grant"])
    assert "CONSUMED" == shown(desk.send("GET", f"/v1/grants/{jti}"))["state"]
    assert (1, 1) == (desk.leaves("grant"), desk.leaves("query"))


def test_the_same_question_again_brings_the_first_receipt(desk: GrantDesk) -> None:
    """A lender that lost the answer registers nothing twice and spends nothing twice."""
    changes = {"query_id": query_id(), "artefact": desk.artefact()}

    first, again = (desk.ask(None, changes=changes) for _ in range(2))

    assert answer_claims(first) == answer_claims(again)
    assert "true" == again.headers["Cx-Replayed"]
    assert (1, 1) == (desk.leaves("grant"), desk.leaves("query"))


def test_an_artefact_registered_before_is_used_as_it_stands(desk: GrantDesk) -> None:
    """Sending a consent along does not refill its uses."""
    artefact = desk.artefact()
    shown(desk.register(artefact))

    reasons = [
        answer_claims(desk.ask(None, changes={"artefact": artefact}))["reason"] for _ in range(2)
    ]

    assert ["permitted", "grant.used_up"] == reasons


@pytest.mark.parametrize(
    ("changes", "reason", "step"),
    [
        ({"exp": 2**40}, "grant.unusable", "policy"),
        ({"notice/version": "9.0.0"}, "grant.unusable", "notice"),
        ({"evidence/level": 3, "evidence/type": "wallet"}, "grant.level", "policy"),
    ],
)
def test_a56_an_artefact_that_the_policy_refuses_is_a_refused_question(
    desk: GrantDesk, changes: dict[str, object], reason: str, step: str
) -> None:
    """The borrower sees that somebody tried: a refusal is a leaf, and nothing else stays."""
    claims = answer_claims(desk.ask(None, changes={"artefact": desk.artefact(changes=changes)}))

    assert ("WITHHELD", reason, None) == (claims["outcome"], claims["reason"], claims["grant"])
    told = desk.opened(str(claims["leaf"]))["audit"]
    assert (reason, step) == (told["reason"], told["step"])
    assert [(0, 0, 0, 0)] == desk.sql(RECORDED)
    assert (0, 1) == (desk.leaves("grant"), desk.leaves("query"))


def test_an_artefact_of_before_the_withdrawal_is_withdrawn(desk: GrantDesk) -> None:
    """A lender cannot bring an older consent back once the borrower has withdrawn."""
    older = desk.artefact(now=desk.now - 10)
    desk.end(desk.granted(), "withdraw")
    kept = desk.sql(RECORDED)

    claims = answer_claims(desk.ask(None, changes={"artefact": older}))

    assert ("WITHHELD", "grant.withdrawn") == (claims["outcome"], claims["reason"])
    assert kept == desk.sql(RECORDED)


def test_a56_an_artefact_that_is_broken_is_an_error_and_no_leaf(desk: GrantDesk) -> None:
    """A stranger's bytes cannot make the log grow."""
    good = desk.artefact()
    at = -40  # within the signature
    edited = good[:at] + ("A" if good[at] != "A" else "B") + good[at + 1 :]
    broken = {
        "grant.signature": edited,
        "grant.form": "a.b.c",
        "grant.schema": desk.artefact(changes={"name": "Zhang San"}),
        "grant.cross_field": desk.artefact(changes={"aud": "cx_other"}),
    }

    found = {refusal(desk.ask(None, changes={"artefact": one}))[:2] for one in broken.values()}

    assert {(422, code) for code in broken} == found
    assert [(0, 0, 0, 0)] == desk.sql(RECORDED)
    assert (0, 0) == (desk.leaves("grant"), desk.leaves("query"))


def test_a_question_names_a_grant_or_brings_one(desk: GrantDesk) -> None:
    """What rests on two permissions rests on neither."""
    response = desk.ask(desk.granted(), changes={"artefact": desk.artefact()})

    assert (422, "request.field", "/artefact") == refusal(response)
