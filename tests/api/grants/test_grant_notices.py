"""What a borrower was shown, and what stands behind the consent: both are held to the registry."""

from __future__ import annotations

import json
from hashlib import sha256

import pytest

from consent.notices import NoticeKind
from consent.sandbox.notices import sandbox_notice
from exchange.domain.base64url import b64url
from exchange.errors import InvalidNotice, NoticeConflict
from exchange.services.notices.manage_notices import (
    approve_notice,
    list_notices,
    register_notice,
    retire_notice,
)
from exchange.services.notices.ports import NoticeKey
from tests.support.grant_desk import GrantDesk, refusal, shown

REVIEW = json.loads(sandbox_notice("account_review", "zh-CN", "CN"))
APPLICATION = json.loads(sandbox_notice("credit_application", "zh-CN", "CN"))


def text(**changes: object) -> bytes:
    """Return the sandbox's notice of an application, changed."""
    return json.dumps({**APPLICATION, "id": "ntc_other", **changes}).encode()


def names(document: bytes) -> dict[str, object]:
    """Return an artefact's members that name a notice."""
    notice = json.loads(document)
    return {
        "notice/id": notice["id"],
        "notice/version": notice["version"],
        "notice/lang": notice["lang"],
        "notice/sha256": b64url(sha256(document).digest()),
    }


def refused(desk: GrantDesk, changes: dict[str, object]) -> tuple[int, str, str]:
    """Return how an artefact is refused."""
    return refusal(desk.register(desk.artefact(changes=changes)))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"notice/id": "ntc_unknown"}, "notice/id"),
        ({"notice/version": "1.0.1"}, "notice/id"),
        ({"notice/sha256": b64url(bytes(32))}, "notice/sha256"),
        (names(sandbox_notice("account_review", "zh-CN", "CN")), "notice/id"),
    ],
)
def test_a_consent_names_a_text_that_is_registered_for_it(
    desk: GrantDesk, changes: dict[str, object], field: str
) -> None:
    """Nobody is said to have read what no one can show."""
    assert (422, "grant.notice", f"/artefact/{field}") == refused(desk, changes)
    assert 0 == desk.leaves()


def test_a_notice_of_another_kind_is_no_consent_notice(desk: GrantDesk) -> None:
    """A letter before listing does not stand in for what is read before agreeing."""
    document = text(kind=NoticeKind.PRE_LISTING.value)
    row = register_notice(document, "anna", desk.sandbox.ports)
    approve_notice(row.key, "ben", desk.sandbox.ports)

    assert (422, "grant.notice", "/artefact/notice/id") == refused(desk, names(document))


def test_a_notice_is_good_from_its_second_approval_until_it_is_retired(desk: GrantDesk) -> None:
    """One person alone cannot put words before borrowers, and old words do not come back."""
    ports, document = desk.sandbox.ports, text()
    key = NoticeKey("ntc_other", "1.0.0", "zh-CN")
    register_notice(document, "anna", ports)
    with pytest.raises(NoticeConflict):
        approve_notice(key, "anna", ports)

    before = refused(desk, names(document))
    approve_notice(key, "ben", ports)
    between = desk.register(desk.artefact(changes=names(document)), subject=2)
    retire_notice(key, ports.now(), ports)
    after = refused(desk, names(document))

    assert (422, "grant.notice", "/artefact/notice/id") == before
    assert "ACTIVE" == shown(between)["state"]
    assert (422, "grant.notice", "/artefact/notice/version") == after
    assert ("NO_DATA", "permitted") == desk.answer(str(shown(between)["grant_id"]), subject=2)


def test_a_retired_notice_leaves_what_was_registered_under_it(desk: GrantDesk) -> None:
    """A lender that sends its artefact again gets the first answer, whatever was retired since."""
    artefact = desk.artefact()
    shown(desk.register(artefact))
    key = NoticeKey(APPLICATION["id"], "1.0.0", "zh-CN")
    retire_notice(key, desk.sandbox.ports.now(), desk.sandbox.ports)

    again = desk.register(artefact)

    assert "ACTIVE" == shown(again)["state"]
    assert "true" == again.headers["Cx-Replayed"]


def test_a_text_is_never_changed(desk: GrantDesk) -> None:
    """What a borrower agreed to stays what it was; another text is a later version."""
    ports = desk.sandbox.ports
    first = register_notice(text(), "anna", ports)

    assert first == register_notice(text(), "carl", ports)
    with pytest.raises(NoticeConflict):
        register_notice(text(title="something else"), "anna", ports)
    register_notice(text(version="1.1.0", title="something else"), "anna", ports)
    with pytest.raises(NoticeConflict):
        register_notice(text(version="1.0.1", title="earlier"), "anna", ports)
    with pytest.raises(InvalidNotice):
        register_notice(text(jurisdiction="KE"), "anna", ports)
    with pytest.raises(InvalidNotice):
        register_notice(b"{}", "anna", ports)

    listed = {one.key for one in list_notices(ports)}
    assert {NoticeKey("ntc_other", one, "zh-CN") for one in ("1.0.0", "1.1.0")} <= listed
    assert 2 == desk.leaves("admin") - 2  # enrolled, key added


def test_members_read_the_notices_and_their_texts(desk: GrantDesk) -> None:
    """A lender shows borrowers exactly the bytes that were approved."""
    listed = shown(desk.send("GET", "/v1/notices"))["notices"]
    assert isinstance(listed, list)
    one = next(each for each in listed if each["id"] == REVIEW["id"] and each["lang"] == "zh-CN")

    document = desk.send("GET", f"/v1/notices/{one['sha256']}")

    assert sandbox_notice("account_review", "zh-CN", "CN") == document.data
    assert ("live", "account_review", "consent") == (one["state"], one["purpose"], one["kind"])
    assert 404 == desk.send("GET", f"/v1/notices/{b64url(bytes(32))}").status_code


def test_evidence_stands_behind_one_grant_alone(desk: GrantDesk) -> None:
    """One signed form cannot be made to say that a hundred borrowers agreed."""
    digest = b64url(sha256(b"one form").digest())
    changes: dict[str, object] = {"evidence/sha256": digest}
    shown(desk.register(desk.artefact(changes=changes)))

    answers = [
        refusal(desk.register(desk.artefact(changes=more), subject))
        for subject, more in (
            (1, changes),
            (2, changes),
            (1, {**changes, "bundle": "bnd_1"}),
        )
    ]

    assert {(422, "grant.evidence", "/artefact/evidence/sha256")} == set(answers)
    assert 1 == desk.leaves()


def test_one_form_may_carry_the_grants_of_one_bundle_and_subject(desk: GrantDesk) -> None:
    """A borrower who signs once for an application and for reporting signs once."""
    digest = b64url(sha256(b"one form").digest())
    changes: dict[str, object] = {"evidence/sha256": digest, "bundle": "bnd_1"}

    first = desk.register(desk.artefact(changes=changes))
    second = desk.register(desk.artefact(purpose="contribute", changes=changes))
    elsewhere = desk.register(desk.artefact(changes=changes), subject=2)
    other = desk.register(desk.artefact(changes={**changes, "bundle": "bnd_2"}))

    assert ["ACTIVE", "ACTIVE"] == [shown(one)["state"] for one in (first, second)]
    assert {(422, "grant.evidence")} == {refusal(one)[:2] for one in (elsewhere, other)}
