"""The notice that a borrower is owed: who decided, why in plain words, and what they can do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from exchange_client import Receipt
from exchange_client._consent.notices import NoticeKind, parse_notice
from exchange_client._consent.profiles import PROFILE_IDS, load_profile
from exchange_client._consent.sandbox.notices import sandbox_adverse_notices, sandbox_notices
from exchange_client.answers.explaining import REASONS
from exchange_client.core.encoding import JSON
from exchange_client.errors import UsageError
from exchange_client.policy import (
    Action,
    Decision,
    Sender,
    Template,
    decide,
    notice_owed,
    registered,
    write_notice,
)
from exchange_client.policy.deciding import OWN_ASSESSMENT, SHOWN_ADVERSE, WEIGHING
from exchange_client.policy.notices import _all, reasons_told
from exchange_client.testing.granting import listed_notices
from tests.client.policy.samples import LATE, policy_of, receipt_of, sample

SENDER = Sender(name="Lender X {contact}", contact="+86 10 0000 0000")
REGISTRY: list[Mapping[str, JSON]] = json.loads(json.dumps(listed_notices()))
DOCUMENTS = {
    (notice.lang, notice.purpose.value): document
    for document in sandbox_adverse_notices(load_profile("CN"))
    for notice in [parse_notice(document)]
}


def template(lang: str, purpose: str = "credit_application") -> Template:
    """Return the sandbox's frame of a notice, as its registry holds it."""
    return registered(DOCUMENTS[lang, purpose], REGISTRY)


def stopped(folder: Path) -> tuple[Decision, Receipt]:
    """Return a stop under the page's policy, and the receipt it rests on."""
    receipt = receipt_of("ADVERSE", LATE)
    policy = policy_of(folder, head=sample())
    return decide(policy, receipt, {"requested_minor": 1}), receipt


def test_a_refusal_is_told_in_english(tmp_path: Path) -> None:
    """Who is refused must learn by whom, why, and how to be heard."""
    decision, receipt = stopped(tmp_path)

    notice = write_notice(decision, receipt, template("en"), SENDER)

    paragraphs = notice.body.split("\n\n")
    assert paragraphs[1].startswith("This was decided by Lender X {contact}, and by nobody else.")
    assert "declined" in paragraphs[1]
    assert 4 == paragraphs[2].count("\n- ")
    assert "overdue now at another lender" in paragraphs[2].splitlines()[1]
    assert f"With your permission {receipt.claims.grant}" in paragraphs[3]
    assert "2026-11-18 11:06 UTC" in paragraphs[3]
    for word in ("see what is recorded", "dispute", "statement", "person: +86 10 0000 0000"):
        assert word in notice.body
    assert ("ntc_sandbox_adverse_credit_application@1.0.0", "en", "1.0.0") == (
        notice.template,
        notice.lang,
        notice.words,
    )


def test_a_refusal_is_told_in_chinese(tmp_path: Path) -> None:
    """The same, in the language that most borrowers here read."""
    decision, receipt = stopped(tmp_path)

    notice = write_notice(decision, receipt, template("zh-CN"), SENDER)

    for word in (
        "独立作出",
        "未获通过",
        "目前处于逾期",
        "经您授权",
        "异议",
        "本人声明",
        "人工复核",
    ):
        assert word in notice.body
    assert 4 == notice.body.count("\n- ")


def test_a_notice_tells_neither_a_lender_nor_the_finding(tmp_path: Path) -> None:
    """The notice lies in a letter box: bands, grade and other lenders are not for that."""
    decision, receipt = stopped(tmp_path)

    for lang in ("en", "zh-CN"):
        body = write_notice(decision, receipt, template(lang), SENDER).body
        for word in ("lender-", "bucket", "grade ", "points_v1", "overdue-elsewhere", "3-5"):
            assert word not in body


def test_a_price_and_a_smaller_limit_are_told(tmp_path: Path) -> None:
    """A borrower who pays more for it must know that this was decided as well."""
    decision, receipt = stopped(tmp_path)
    smaller = replace(
        decision,
        decision=Action.REDUCE_LIMIT,
        limit_factor=Decimal("0.5"),
        price_band="b2",
        apr_bp=1850,
    )

    body = write_notice(smaller, receipt, template("en"), SENDER).body

    assert "less than you asked for" in body
    assert "18.5 % a year" in body


@pytest.mark.parametrize(
    ("outcome", "grant", "said"),
    [
        ("WITHHELD", True, "No records of other lenders were consulted"),
        ("NO_DATA", True, "no other lender reports about you"),
        ("NO_DATA", False, "As the law allows, we consulted"),
    ],
)
def test_what_was_consulted_is_told_as_it_was(
    outcome: str, grant: bool, said: str, tmp_path: Path
) -> None:
    """A notice that says a look was made, or permitted, where it was not, is a lie."""
    receipt = receipt_of(outcome, {} if outcome == "NO_DATA" else None)
    if not grant:
        receipt = replace(receipt, claims=replace(receipt.claims, grant=None))
    decision, _ = stopped(tmp_path)
    told = decide(policy_of(tmp_path), receipt).reasons

    body = write_notice(replace(decision, reasons=told), receipt, template("en"), SENDER).body

    assert said in body
    assert ("R07" in told, "R08" in told) == (outcome == "NO_DATA", outcome == "WITHHELD")


@pytest.mark.parametrize(
    ("action", "band", "owed"),
    [
        (Action.PROCEED, None, False),
        (Action.PROCEED, "b2", True),
        (Action.REVIEW, "b2", False),  # a person decides first
        (Action.REDUCE_LIMIT, None, True),
        (Action.STOP_NEW_CREDIT, None, True),
    ],
)
def test_a_notice_is_owed_where_something_worse_is_decided(
    action: Action, band: str | None, owed: bool, tmp_path: Path
) -> None:
    """A notice too few breaks the law, one too many frightens who was accepted."""
    decision, receipt = stopped(tmp_path)
    other = replace(decision, decision=action, price_band=band)

    assert owed is notice_owed(other)
    if not owed:
        with pytest.raises(UsageError, match="no notice is owed"):
            write_notice(other, receipt, template("en"), SENDER)


def test_parts_that_do_not_belong_together_make_no_notice(tmp_path: Path) -> None:
    """A notice about another application is worse than none."""
    decision, receipt = stopped(tmp_path)
    abroad = replace(receipt, claims=replace(receipt.claims, profile="us@1"))
    cases = [
        (replace(decision, query_id="qry_other"), receipt, template("en"), "another receipt"),
        (decision, receipt, template("en", "guarantor_check"), "another purpose"),
        (decision, abroad, template("en"), "another jurisdiction"),
    ]

    for told, held, frame, said in cases:
        with pytest.raises(UsageError, match=said):
            write_notice(told, held, frame, SENDER)


def test_only_a_live_notice_of_the_registry_is_a_frame() -> None:
    """Words that two people did not approve must not reach a borrower as if they had."""
    document = DOCUMENTS["en", "credit_application"]
    consent = sandbox_notices(load_profile("CN"))[0]
    retired = [{**one, "state": "retired"} for one in REGISTRY]

    for given, listed, said in (
        (document.replace(b"For tests alone", b"For you"), REGISTRY, "not live"),
        (document, retired, "not live"),
        (document, [], "not live"),
        (consent, REGISTRY, "of kind consent"),
        (b"{}", REGISTRY, "no notice"),
    ):
        with pytest.raises(UsageError, match=said):
            registered(given, listed)


@pytest.mark.parametrize("profile_id", PROFILE_IDS)
def test_a_sandbox_has_frames_in_each_of_its_languages(profile_id: str) -> None:
    """A newcomer writes a first notice without writing a text first."""
    profile = load_profile(profile_id)

    notices = [parse_notice(one) for one in sandbox_adverse_notices(profile)]

    assert {NoticeKind.ADVERSE_ACTION} == {one.kind for one in notices}
    assert 3 * len(profile.languages) == len({(one.purpose, one.lang) for one in notices})
    assert {profile_id} == {one.jurisdiction for one in notices}


@pytest.mark.parametrize(("most", "expected"), [(None, 4), (2, 2), (4, 4), (9, 4)])
def test_a_notice_gives_as_many_reasons_as_the_law_says(
    most: int | None, expected: int, tmp_path: Path
) -> None:
    """Ten reasons hide the one that counts; some laws say how many are too many."""
    decision, _ = stopped(tmp_path)
    profile = replace(load_profile("US"), adverse_reasons_max=most)

    more = replace(decision, reasons=(*decision.reasons, "R06"))

    assert more.reasons[:expected] == reasons_told(more, profile)


def test_every_reason_has_words_in_every_language() -> None:
    """A code without words would leave its borrower with no reason at all."""
    words = _all()["words"]
    codes = WEIGHING | {OWN_ASSESSMENT, SHOWN_ADVERSE}

    for lang, told in words.items():
        assert codes == told["reasons"].keys(), lang
        assert set(Action) - {Action.REVIEW} == told["decisions"].keys(), lang
    assert WEIGHING <= REASONS.keys()
    assert {"en", "zh-CN"} == words.keys()


def test_a_language_without_words_is_refused(tmp_path: Path) -> None:
    """A notice half in another language is understood by nobody."""
    decision, receipt = stopped(tmp_path)
    hindi = Template(notice=replace(template("en").notice, lang="hi-IN"))
    kenyan = Template(notice=replace(template("en").notice, lang="en-KE"))

    with pytest.raises(UsageError, match="no words in hi-IN"):
        write_notice(decision, receipt, hindi, SENDER)
    assert "en-KE" == write_notice(decision, receipt, kenyan, SENDER).lang


@pytest.mark.parametrize(
    ("name", "contact"), [("", "x"), ("x", ""), ("x\ny", "x"), ("x" * 201, "x")]
)
def test_a_sender_is_one_line(name: str, contact: str) -> None:
    """A name of several lines could say what the notice does not."""
    with pytest.raises(UsageError, match="one line"):
        Sender(name=name, contact=contact)
