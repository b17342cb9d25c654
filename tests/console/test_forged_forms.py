"""What must open and end nothing: forged forms, copied cookies, replayed and endless sign-ins."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from exchange.console.web.headers import PAGE_HEADERS
from tests.support.authenticator import PAGES, USER_PRESENT, Authenticator
from tests.support.borrower_browser import (
    Browser,
    Page,
    agreed,
    requested,
)
from tests.support.grant_desk import GrantDesk, state
from tests.support.record_desk import RecordDesk
from tests.support.sandbox import Sandbox, make_sandbox

SESSION = "__Host-cx-session"


def test_a78_a_form_from_another_site_or_session_does_nothing(
    desk: GrantDesk, browser: Browser, device: Authenticator, sandbox: Sandbox
) -> None:
    """A page elsewhere must not end, agree or sign in for a borrower who happens to visit it."""
    grant = agreed(desk, browser, device)
    form = browser.page("/borrower").form(f"/borrower/grants/{grant}/withdraw")
    stranger = Browser(sandbox=sandbox)
    agreed(desk, stranger, Authenticator(), subject=2)
    borrowed = Page(stranger.get("/borrower/file")).form("/borrower/sign-out").fields["form"]

    statuses = [
        browser.send(form, headers={"Origin": None}).status_code,
        browser.send(form, headers={"Origin": "null"}).status_code,
        browser.send(form, headers={"Origin": "https://evil.example"}).status_code,
        browser.send(form, headers={"Sec-Fetch-Site": "cross-site"}).status_code,
        browser.send(form, headers={"Sec-Fetch-Site": "same-site"}).status_code,
        browser.send(form, {"form": ""}).status_code,
        browser.send(form, {"form": borrowed}).status_code,
    ]

    assert [403] * 7 == statuses
    assert "ACTIVE" == state(desk, grant)


def test_a78_no_page_may_be_framed_cached_or_run_what_is_not_ours(
    desk: GrantDesk, browser: Browser, device: Authenticator
) -> None:
    """A page inside another one lets a borrower click what they do not see."""
    agreed(desk, browser, device)
    paths = ("/borrower/file", "/borrower/looks", "/borrower/request", "/borrower/grants/none")

    responses = [browser.get(path) for path in paths]

    for response in responses:
        assert PAGE_HEADERS.items() <= dict(response.headers).items()
        assert "no-store" == response.headers["Cache-Control"]
        tags = Page(response).tags
        inline = [told for tag, told in tags if tag == "script" and "src" not in told]
        assert ([], []) == (inline, [told for tag, told in tags if tag == "style"])
        assert [] == [name for _, told in tags for name in told if name.startswith(("on", "style"))]
    policy = PAGE_HEADERS["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


def test_a78_a_planted_session_is_never_taken_over(
    desk: GrantDesk, browser: Browser, device: Authenticator, sandbox: Sandbox
) -> None:
    """Whoever plants a cookie must not find a signed-in borrower behind it."""
    agreed(desk, browser, device)
    planted = "A" * 43
    victim = Browser(sandbox=sandbox)
    victim.client.set_cookie(SESSION, planted, domain="localhost", path="/")

    victim.sign_in(device)

    cookie = victim.client.get_cookie(SESSION, domain="localhost", path="/")
    assert cookie is not None
    assert planted != cookie.value
    assert cookie.secure
    assert cookie.http_only
    assert "Lax" == cookie.same_site


def test_a78_a_session_opens_nothing_on_another_host_in_another_browser_or_when_it_ended(
    desk: GrantDesk, browser: Browser, device: Authenticator, sandbox: Sandbox
) -> None:
    """A copied cookie must be worth nothing, and signing out must end it everywhere."""
    agreed(desk, browser, device)
    cookie = browser.client.get_cookie(SESSION, domain="localhost", path="/")
    assert cookie is not None
    thief, twin = Browser(sandbox=sandbox, agent="another browser"), Browser(sandbox=sandbox)
    for copied in (thief, twin):
        copied.client.set_cookie(SESSION, cookie.value, domain="localhost", path="/")
    twin.client.set_cookie(SESSION, cookie.value, domain="exchange.test", path="/")
    agent = {"User-Agent": twin.agent}
    elsewhere = twin.client.get("/borrower/file", base_url="http://exchange.test", headers=agent)
    stolen = thief.get("/borrower/file")
    before = twin.get("/borrower/file")
    browser.send(Page(browser.get("/borrower/file")).form("/borrower/sign-out"))

    after = twin.get("/borrower/file")

    assert (404, 403, 200, 403) == tuple(
        one.status_code for one in (elsewhere, stolen, before, after)
    )


@pytest.mark.parametrize("column", ["seen_at", "started_at"])
def test_a78_a_session_ends_when_idle_and_after_a_day_of_work(
    desk: GrantDesk, browser: Browser, device: Authenticator, sandbox: Sandbox, column: str
) -> None:
    """A browser left open in a shop must not stay somebody's file."""
    agreed(desk, browser, device)
    settings = sandbox.settings
    limit = {
        "seen_at": settings.page_idle_seconds_max,
        "started_at": settings.page_session_seconds_max,
    }[column]
    fresh = browser.get("/borrower/file").status_code
    desk.sql(f"UPDATE page_session SET {column} = {column} - %s RETURNING 1", limit)

    response = browser.get("/borrower/file")

    assert (200, 403) == (fresh, response.status_code)


def test_a78_no_page_sends_anyone_to_an_address_from_the_request(
    desk: GrantDesk, browser: Browser, device: Authenticator
) -> None:
    """A link to us that ends elsewhere makes our name a bait."""
    agreed(desk, browser, device)
    odd = ("next=https://evil.example", "lang=//evil.example", "before=https://evil.example")

    responses = [browser.get(f"/borrower{path}?{one}") for one in odd for path in ("", "/file")]

    locations = [one.headers["Location"] for one in responses if one.status_code == 303]
    assert {"/borrower/file"} == set(locations)
    assert [] == [one for one in responses if "evil" in one.text]


def test_a_sign_in_is_not_replayed(
    desk: GrantDesk, browser: Browser, device: Authenticator, sandbox: Sandbox
) -> None:
    """Whoever recorded a sign-in must not sign in with it."""
    agreed(desk, browser, device)
    visitor = Browser(sandbox=sandbox)
    form = Page(visitor.get("/borrower")).form("/borrower/sign-in")
    kept = visitor.client.get_cookie("__Host-cx-start", domain="localhost", path="/")
    assert kept is not None
    values = {"assertion": device.sign(form.told["challenge"])}
    first = visitor.send(form, values)
    visitor.client.set_cookie("__Host-cx-start", kept.value, domain="localhost", path="/")

    again = visitor.send(form, values)

    assert (303, 403) == (first.status_code, again.status_code)


def test_a79_every_wrong_sign_in_is_answered_alike(
    desk: GrantDesk, browser: Browser, device: Authenticator, sandbox: Sandbox
) -> None:
    """Nobody may learn from an answer whose key is known here."""
    agreed(desk, browser, device)
    tries = [
        Authenticator(),
        Authenticator(credential_id=device.credential_id),
        device.but(flags=USER_PRESENT),
    ]

    answers = [Browser(sandbox=sandbox).sign_in(one) for one in tries]

    assert {403} == {one.status_code for one in answers}
    assert 1 == len({one.text for one in answers})


def test_a79_wrong_sign_ins_make_an_address_wait_and_right_ones_do_not_count(
    database_url: str, tmp_path: Path
) -> None:
    """Nobody may try for ever; and nobody is shut out for coming often."""
    sandbox = make_sandbox(database_url, tmp_path, wrong_sign_ins_per_hour=3)
    desk, device = GrantDesk(sandbox=sandbox, key=sandbox.enrol("member-a")), Authenticator()
    agreed(desk, Browser(sandbox=sandbox), device)
    right = [Browser(sandbox=sandbox).sign_in(device).status_code for _ in range(5)]
    wrong = [Browser(sandbox=sandbox).sign_in(Authenticator()).status_code for _ in range(3)]

    tired = Browser(sandbox=sandbox).sign_in(device)

    assert ([303] * 5, [403] * 3, 429) == (right, wrong, tired.status_code)
    assert 0 < int(tired.headers["Retry-After"]) <= 3600
    sandbox.close()


def test_a_form_is_read_strictly(desk: GrantDesk, browser: Browser) -> None:
    """A field twice, an unknown one, another type or a huge body is no form of ours."""
    browser.get("/borrower")
    form = Page(browser.get("/borrower/request")).form("/borrower/request")
    token = form.fields["form"]
    own = {"Origin": PAGES, "User-Agent": browser.agent}
    bodies = [
        (f"form={token}&code=a&code=b", "application/x-www-form-urlencoded"),
        (f"form={token}&more=a", "application/x-www-form-urlencoded"),
        (f"form={token}&code=%ff", "application/x-www-form-urlencoded"),
        (f"form={token}&code={'a' * 70_000}", "application/x-www-form-urlencoded"),
        (json.dumps({"form": token, "code": "a"}), "application/json"),
        (f"form={token}&code=a", "application/x-www-form-urlencoded; charset=utf-7"),
    ]

    statuses = [
        browser.client.post(
            form.action, base_url=PAGES, data=body, content_type=media, headers=own
        ).status_code
        for body, media in bodies
    ]

    assert [400] * 6 == statuses


def test_a_page_in_the_persons_language_says_so(desk: RecordDesk, browser: Browser) -> None:
    """A consent in a language that its giver does not read is none."""
    told = requested(desk)
    page = Page(browser.open(str(told["link"])))  # the notice was shown in zh-CN
    chosen = Page(browser.get("/borrower/request/answer?lang=en"))

    kept = Page(browser.get("/borrower/request/answer"))

    assert ("zh-CN", "en", "en") == (page.language, chosen.language, kept.language)
    assert "是否允许" in page.text
