"""Signatures that agree to nothing: odd passkeys, other requests, links that were used or ended."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.support.authenticator import USER_PRESENT, USER_VERIFIED, Authenticator
from tests.support.borrower_browser import (
    SIGNED_BY_BORROWER,
    Browser,
    Page,
    agreed,
    request,
    requested,
)
from tests.support.grant_desk import GrantDesk, refusal, shown, state
from tests.support.sandbox import Sandbox


@pytest.mark.parametrize(
    "flaw",
    [
        {"origin": "https://localhost.example"},
        {"origin": "http://localhost:8421"},
        {"rp_id": "localhost.example"},
        {"flags": USER_PRESENT},
        {"flags": USER_VERIFIED},
        {"framed": True},
    ],
    ids=["origin", "port", "site", "not verified", "not present", "framed"],
)
@pytest.mark.parametrize("step", ["creation", "assertion"])
def test_a_passkey_answer_with_a_flaw_signs_nothing(
    desk: GrantDesk, browser: Browser, device: Authenticator, flaw: dict[str, object], step: str
) -> None:
    """A signature fetched for another site, or without its owner, must not agree to a loan."""
    told = requested(desk)
    form = Page(browser.open(str(told["link"]))).form("/borrower/request/accept")
    odd = device.but(**flaw)
    maker, signer = (odd, device) if step == "creation" else (device, odd)

    response = browser.send(
        form,
        {
            "creation": maker.create(form.told["creation"]),
            "assertion": signer.sign(form.told["challenge"]),
        },
    )

    assert 403 == response.status_code
    assert "REQUESTED" == state(desk, told["grant_id"])
    assert [(0,)] == desk.sql("SELECT count(*) FROM passkey")


def test_a_signature_for_one_request_agrees_to_no_other(
    desk: GrantDesk, browser: Browser, device: Authenticator, sandbox: Sandbox
) -> None:
    """The signed challenge is the very text; a lender must not move it to another one."""
    agreed(desk, browser, device)
    first, second = requested(desk), requested(desk)
    other = Page(Browser(sandbox=sandbox).open(str(first["link"])))
    signed = device.sign(other.form("/borrower/request/accept").told["challenge"])
    form = Page(browser.open(str(second["link"]))).form("/borrower/request/accept")

    response = browser.send(form, {"assertion": signed})

    assert 403 == response.status_code
    assert ["REQUESTED"] * 2 == [state(desk, one["grant_id"]) for one in (first, second)]


def test_a_key_is_never_replaced_by_one_of_the_same_id(
    desk: GrantDesk, browser: Browser, device: Authenticator, sandbox: Sandbox
) -> None:
    """Who can pick a credential id must not take over the file behind it."""
    agreed(desk, browser, device)
    thief = Authenticator(credential_id=device.credential_id)
    told = requested(desk)

    response = browser.agree(Page(browser.open(str(told["link"]))), thief)

    assert 403 == response.status_code
    assert 403 == Browser(sandbox=sandbox).sign_in(thief).status_code
    assert 303 == Browser(sandbox=sandbox).sign_in(device).status_code


def test_a_link_opens_once_and_only_for_72_hours(
    desk: GrantDesk, browser: Browser, sandbox: Sandbox
) -> None:
    """A link that someone finds later in the messages must open nothing."""
    used, old = requested(desk), requested(desk)
    artefact = desk.artefact(changes=SIGNED_BY_BORROWER)
    first = shown(request(desk, artefact))
    again = request(desk, artefact)
    browser.open(str(used["link"]))
    desk.sql("UPDATE grant_link SET expires_at = %s RETURNING 1", desk.now)

    statuses = [
        Browser(sandbox=sandbox).open(str(one["link"])).status_code for one in (used, old, first)
    ]

    assert [404, 404, 404] == statuses
    assert "Cx-Replayed" in again.headers
    assert first["link"] != shown(again)["link"]


def test_a_newer_link_voids_the_one_that_was_opened(
    desk: GrantDesk, browser: Browser, device: Authenticator
) -> None:
    """When the wrong person opened the link, a new one must shut them out."""
    artefact = desk.artefact(changes=SIGNED_BY_BORROWER)
    page = Page(browser.open(str(shown(request(desk, artefact))["link"])))
    request(desk, artefact)

    response = browser.agree(page, device)

    assert 404 == response.status_code
    assert [(0,)] == desk.sql("SELECT count(*) FROM passkey")


def test_an_answered_request_is_not_answered_again(
    desk: GrantDesk, browser: Browser, device: Authenticator
) -> None:
    """A second click, or a second person, must not turn an answer round."""
    told = requested(desk)
    page = Page(browser.open(str(told["link"])))
    browser.send(page.form("/borrower/request/refuse"))

    response = browser.agree(page, device)

    assert 403 == response.status_code  # The session ended with the answer.
    assert "REJECTED" == state(desk, told["grant_id"])


def test_a_level_one_artefact_is_not_requested_and_a_level_two_one_not_registered(
    desk: GrantDesk,
) -> None:
    """A lender must not sign in its borrower's place."""
    attested = request(desk, desk.artefact())
    registered = desk.register(desk.artefact(changes=SIGNED_BY_BORROWER))

    assert (422, "grant.policy", "/artefact/evidence/level") == refusal(attested)
    assert (422, "grant.policy", "/artefact/evidence/level") == refusal(registered)


@pytest.mark.parametrize(
    "bend",
    [
        lambda text: "",
        lambda text: text[:-1],
        lambda text: text + " {}",
        lambda text: json.dumps({**json.loads(text), "more": "x"}),
        lambda text: json.dumps({**json.loads(text), "id": ""}),
        lambda text: json.dumps({**json.loads(text), "signature": "AA"}),
        lambda text: json.dumps({**json.loads(text), "authenticatorData": "AA"}),
        lambda text: json.dumps({**json.loads(text), "clientDataJSON": "e30"}),
        lambda text: json.dumps({**json.loads(text), "signature": 1}),
        lambda text: "[" * 50 + "]" * 50,
        lambda text: text + " " * 17_000,
    ],
)
def test_a_malformed_passkey_answer_is_refused(
    desk: GrantDesk,
    browser: Browser,
    device: Authenticator,
    sandbox: Sandbox,
    bend: Callable[[str], str],
) -> None:
    """What no device says must neither pass nor break the page."""
    agreed(desk, browser, device)
    visitor = Browser(sandbox=sandbox)
    form = Page(visitor.get("/borrower")).form("/borrower/sign-in")

    response = visitor.send(form, {"assertion": bend(device.sign(form.told["challenge"]))})

    assert 403 == response.status_code
