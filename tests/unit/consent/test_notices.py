"""Notices: their form, what an artefact's is held against, and the sandbox's own."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest

from consent.artefact import parse_artefact
from consent.claims import ArtefactRefused, Step
from consent.decision import Reason
from consent.notices import (
    APPROVERS_MIN,
    DOCUMENT_BYTES_MAX,
    PART_CHARACTERS_MAX,
    SUMMARY_PARTS,
    TEXT_CHARACTERS_MAX,
    TITLE_CHARACTERS_MAX,
    NoticeKind,
    NoticeRefused,
    RegisteredNotice,
    check_notice,
    needs_fresh_consent,
    parse_notice,
    version_key,
)
from consent.profiles import PROFILE_IDS, load_profile
from consent.purposes import GRANT_PURPOSES, Purpose
from consent.sandbox.notices import (
    PRE_LISTING_ID,
    SANDBOX_VERSION,
    sandbox_notice,
    sandbox_notice_id,
    sandbox_notices,
)
from consent.terms import artefact_reason
from tests.support.artefacts import artefact_claims

NOW = 1_764_000_000
DOCUMENT = sandbox_notice("credit_application", "zh-CN", "CN")
MEMBERS = json.loads(DOCUMENT)
ARTEFACT = parse_artefact(artefact_claims(member="member-a", exchange="cx-1", now=NOW))
REGISTERED = RegisteredNotice(
    sha256=ARTEFACT.notice.sha256,
    kind=NoticeKind.CONSENT,
    jurisdiction="CN",
    purpose=Purpose.CREDIT_APPLICATION,
    approvers=2,
    retired_at=None,
)


def document(**changes: object) -> bytes:
    """Write the sandbox's notice with changes."""
    return json.dumps({**MEMBERS, **changes}).encode()


def part(name: str, text: object) -> dict[str, object]:
    """Return the summary with one part changed."""
    return {**MEMBERS["summary"], name: text}


def test_a_notice_is_addressed_by_its_bytes() -> None:
    """A text that was shown can be found again by its digest, word for word."""
    notice = parse_notice(DOCUMENT)

    assert hashlib.sha256(DOCUMENT).digest() == notice.sha256
    assert (sandbox_notice_id("credit_application"), SANDBOX_VERSION, "zh-CN", "CN") == (
        notice.id,
        notice.version,
        notice.lang,
        notice.jurisdiction,
    )
    assert (NoticeKind.CONSENT, Purpose.CREDIT_APPLICATION) == (notice.kind, notice.purpose)
    assert set(SUMMARY_PARTS) == notice.summary.keys()
    assert MEMBERS["summary"] == dict(notice.summary)
    assert (MEMBERS["title"], MEMBERS["text"]) == (notice.title, notice.text)


def test_a_notice_names_the_member_that_shows_it() -> None:
    """The borrower reads who it is that asks, and where to reach them."""
    notice = parse_notice(DOCUMENT)

    told = notice.filled(notice.summary["recipient"], "Lender A", "ops@lender.example")

    assert "Lender A" in told
    assert "ops@lender.example" in told
    assert "{" not in told


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (b"[]", "must be one JSON object"),
        (b"{", "must be one JSON object, without a name twice"),
        (b'{"id":1,"id":2}', "must be one JSON object, without a name twice"),
        (b"\xff", "must be one JSON object, without a name twice"),
        (b"[" * 20_000, "must be one JSON object, without a name twice"),
        (b"{}", "must have exactly id, jurisdiction, kind, lang, purpose, summary, text, title"),
        (document(more=1), "must have exactly"),
        (document(id="notice"), "id: is not of its form"),
        (document(version="1.0"), "version: is not of its form"),
        (document(lang="Chinese"), "lang: is not of its form"),
        (document(jurisdiction="cn"), "jurisdiction: is not of its form"),
        (document(jurisdiction=1), "jurisdiction: is not of its form"),
        (document(kind="letter"), "kind: must be one of consent, pre_listing"),
        (document(purpose="marketing"), "purpose: must be one of contribute"),
        (document(purpose="subject_access"), "purpose: must be one that a grant is given for"),
        (document(title=""), "title: must be a text of 1 to 200 characters"),
        (document(title=1), "title: must be a text of 1 to 200 characters"),
        (document(title="x" * 201), "title: must be a text of 1 to 200 characters"),
        (document(text="x" * 8_001), "text: must be a text of 1 to 8000 characters"),
        (document(text="a\tb"), "text: must have no control character but line feeds"),
        (document(text="\u202eb"), "text: must have no control character but line feeds"),
        (document(text="{name}"), "text: braces stand around member or contact alone"),
        (document(text="a } b"), "text: braces stand around member or contact alone"),
        (document(text="a { b"), "text: braces stand around member or contact alone"),
        (document(summary=[]), "summary: must have exactly recipient, purpose, method"),
        (document(summary={}), "summary: must have exactly"),
        (document(summary=part("extra", "x")), "summary: must have exactly"),
        (document(summary=part("rights", "x" * 1_001)), "rights: must be a text of 1 to 1000"),
        (document(summary=part("recipient", "{member}")), "summary/recipient: must name"),
        (document(summary=part("recipient", "{contact}")), "summary/recipient: must name"),
    ],
)
def test_what_is_no_notice_is_refused_with_its_member(bad: bytes, said: str) -> None:
    """A text that says too little, or hides something, never reaches a borrower."""
    with pytest.raises(NoticeRefused) as refused:
        parse_notice(bad)

    assert str(refused.value).startswith(said)


def test_a_notice_may_be_as_long_as_its_limits() -> None:
    """The limits are where they are said to be, on both sides."""
    longest = document(
        title="x" * TITLE_CHARACTERS_MAX,
        text="x\n" * (TEXT_CHARACTERS_MAX // 2),
        summary=part("rights", "x" * PART_CHARACTERS_MAX),
    )
    padded = longest + b" " * (DOCUMENT_BYTES_MAX - len(longest))

    assert "x" * TITLE_CHARACTERS_MAX == parse_notice(padded).title
    assert "x" == parse_notice(document(title="x")).title
    with pytest.raises(NoticeRefused, match=f"at most {DOCUMENT_BYTES_MAX} bytes"):
        parse_notice(padded + b" ")


@pytest.mark.parametrize(
    ("shown", "newest", "fresh"),
    [
        ("1.0.0", "1.0.0", False),
        ("1.0.0", "1.9.9", False),
        ("1.9.9", "2.0.0", True),
        ("2.0.0", "1.0.0", False),
        ("9.0.0", "10.0.0", True),
    ],
)
def test_a_major_version_asks_for_fresh_consent(shown: str, newest: str, fresh: bool) -> None:
    """A borrower is asked again when the words change what they agreed to, and only then."""
    assert fresh is needs_fresh_consent(shown, newest)


def test_versions_sort_as_numbers() -> None:
    """Version ten comes after version nine."""
    assert (1, 10, 0) == version_key("1.10.0")
    assert version_key("1.9.0") < version_key("1.10.0") < version_key("2.0.0")


def test_a_notice_that_agrees_is_taken_to_its_last_second() -> None:
    """A notice is good until the second in which it is retired."""
    check_notice(ARTEFACT, REGISTERED, NOW)
    check_notice(ARTEFACT, replace(REGISTERED, retired_at=NOW + 1), NOW)
    check_notice(ARTEFACT, replace(REGISTERED, approvers=APPROVERS_MIN + 1), NOW)


@pytest.mark.parametrize(
    ("registered", "field", "said"),
    [
        (None, "notice/id", "is not registered in this version and language"),
        (replace(REGISTERED, sha256=bytes(32)), "notice/sha256", "is not the registered one"),
        (replace(REGISTERED, kind="pre_listing"), "notice/id", "is of another kind"),
        (replace(REGISTERED, purpose="contribute"), "notice/id", "is of another purpose"),
        (replace(REGISTERED, jurisdiction="KE"), "notice/id", "is of another jurisdiction"),
        (replace(REGISTERED, approvers=1), "notice/id", "is not approved by two people"),
        (replace(REGISTERED, retired_at=NOW), "notice/version", "is retired"),
    ],
)
def test_a_notice_that_disagrees_refuses_its_artefact(
    registered: RegisteredNotice | None, field: str, said: str
) -> None:
    """Nobody is said to have agreed to what was never approved, or is shown no more."""
    with pytest.raises(ArtefactRefused) as refused:
        check_notice(ARTEFACT, registered, NOW)

    error = refused.value
    assert (Step.NOTICE, field, said) == (error.step, error.field, error.message)


@pytest.mark.parametrize("profile_id", PROFILE_IDS)
def test_a_sandbox_has_a_notice_for_every_purpose_and_language(profile_id: str) -> None:
    """A newcomer registers a consent of any purpose without writing a text first."""
    profile = load_profile(profile_id)

    notices = [parse_notice(one) for one in sandbox_notices(profile)]

    consents = {(n.purpose, n.lang) for n in notices if n.kind is NoticeKind.CONSENT}
    assert {(purpose, lang) for purpose in GRANT_PURPOSES for lang in profile.languages} == consents
    listings = [n for n in notices if n.kind is NoticeKind.PRE_LISTING]
    assert {(PRE_LISTING_ID, Purpose.CONTRIBUTE)} == {(n.id, n.purpose) for n in listings}
    assert list(profile.languages) == [n.lang for n in listings]
    assert {profile.id} == {n.jurisdiction for n in notices}
    assert len(notices) == len({n.sha256 for n in notices})


@pytest.mark.parametrize("step", Step)
def test_what_the_policy_refuses_is_a_reason_and_what_is_broken_is_none(step: Step) -> None:
    """A lender that brings its artefact along is told apart: broken, or not permitted."""
    reasons = {
        Step.POLICY: Reason.GRANT_UNUSABLE,
        Step.NOTICE: Reason.GRANT_UNUSABLE,
        Step.AFTER_WITHDRAWAL: Reason.GRANT_WITHDRAWN,
        Step.EVIDENCE: Reason.GRANT_UNUSABLE,
    }

    assert reasons.get(step) is artefact_reason(ArtefactRefused(step, "exp", "x"))


@pytest.mark.parametrize(
    ("field", "reason"),
    [("purpose", Reason.PURPOSE_OFF), ("evidence/level", Reason.GRANT_LEVEL)],
)
def test_a_policy_refusal_keeps_the_reason_that_a_use_would_have(
    field: str, reason: Reason
) -> None:
    """A closed purpose is a closed purpose, however the grant arrives."""
    assert reason is artefact_reason(ArtefactRefused(Step.POLICY, field, "x"))
