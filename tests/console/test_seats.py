"""Who sits at the console: by a link once, by a passkey, for as long as seat and member stand."""

from __future__ import annotations

import pytest

from exchange.domain.members import MemberStatus, Role
from exchange.services.members.manage_members import set_standing
from exchange.services.seats.manage_seats import retire_seat
from exchange.services.seats.ports import SeatName
from tests.support.access_log import run_sql
from tests.support.authenticator import USER_PRESENT, Authenticator
from tests.support.borrower_browser import Browser, Page, agreed
from tests.support.grant_desk import GrantDesk
from tests.support.sandbox import Sandbox
from tests.support.seats import code_for, sign_in, sit, take

AUTHORITY, FIRST = "authority", "/console/overview"
COOKIE = "__Host-cx-console"


@pytest.fixture
def authority(sandbox: Sandbox) -> str:
    """An authority."""
    sandbox.enrol(AUTHORITY, Role.REGULATOR)
    return AUTHORITY


def kept(sandbox: Sandbox, kind: str) -> int:
    """Count the leaves of a kind."""
    found = run_sql(
        sandbox.settings.libpq_url, "SELECT count(*) FROM log_search WHERE kind = %s", kind
    )
    return int(str(found[0][0]))


def test_a_link_makes_one_key_and_who_holds_it_sits_there(sandbox: Sandbox, authority: str) -> None:
    """Whoever reads the link later, in a mail or a log, finds it used."""
    code, device, late = code_for(sandbox, authority), Authenticator(), Authenticator()
    browser, stranger = Browser(sandbox=sandbox), Browser(sandbox=sandbox)

    taken, again = take(browser, code, device), take(stranger, code, late)

    assert (303, 404) == (taken.status_code, again.status_code)
    assert (303, 403) == (sign_in(browser, device).status_code, sign_in(stranger, late).status_code)
    assert FIRST == browser.get("/console").headers["Location"]
    assert 200 == browser.get(FIRST).status_code
    assert 4 == kept(sandbox, "admin")  # the authority and its key, the seat and its key
    assert 403 == stranger.get(FIRST).status_code


@pytest.mark.parametrize("end", ["retired", "suspended", "new link"])
def test_a_seat_that_ended_opens_nothing_from_the_next_click_on(
    sandbox: Sandbox, authority: str, end: str
) -> None:
    """Somebody who left the authority must not look for the eight hours of a session."""
    device, browser = Authenticator(), Browser(sandbox=sandbox)
    take(browser, code_for(sandbox, authority), device)
    sign_in(browser, device)
    assert 200 == browser.get(FIRST).status_code

    if end == "retired":
        retire_seat(SeatName(authority, "mei"), sandbox.ports)
    elif end == "suspended":
        set_standing(authority, MemberStatus.SUSPENDED, sandbox.ports)
    else:
        code_for(sandbox, authority)

    assert 403 == browser.get(FIRST).status_code
    assert 403 == sign_in(Browser(sandbox=sandbox), device).status_code


def test_a_link_that_is_over_or_no_link_makes_no_key(sandbox: Sandbox, authority: str) -> None:
    """A link that lies about for a week is found."""
    code = code_for(sandbox, authority)
    run_sql(sandbox.settings.libpq_url, "UPDATE seat SET link_until = 1 RETURNING 1")

    statuses = [
        take(Browser(sandbox=sandbox), one, Authenticator()).status_code
        for one in (code, "A" * 22, "")
    ]

    assert [404, 404, 404] == statuses


def test_a_key_that_was_made_elsewhere_or_unverified_is_not_tied_to_a_seat(
    sandbox: Sandbox, authority: str
) -> None:
    """A page that imitates ours would tie its own device to the seat."""
    code, device = code_for(sandbox, authority), Authenticator()
    flawed = (
        device.but(origin="https://evil.example"),
        device.but(rp_id="evil.example"),
        device.but(flags=USER_PRESENT),
        device.but(framed=True),
    )

    statuses = [take(Browser(sandbox=sandbox), code, one).status_code for one in flawed]

    assert [403] * 4 == statuses
    assert 303 == take(Browser(sandbox=sandbox), code, device).status_code


def test_a_borrower_and_a_person_at_the_console_are_not_taken_for_each_other(
    sandbox: Sandbox, authority: str, desk: GrantDesk, browser: Browser, device: Authenticator
) -> None:
    """A borrower's key would open the log of all; a regulator's session somebody's file."""
    agreed(desk, browser, device)
    seated = sit(sandbox, authority)
    cookie = seated.client.get_cookie(COOKIE, domain="localhost", path="/")
    assert cookie is not None
    swapped = Browser(sandbox=sandbox)
    swapped.client.set_cookie("__Host-cx-session", cookie.value, domain="localhost", path="/")

    assert 403 == sign_in(browser, device).status_code
    assert desk.member not in swapped.get("/borrower/file").text


def test_a78_no_other_site_looks_or_signs_out_in_somebodys_name(
    sandbox: Sandbox, authority: str
) -> None:
    """A view is a leaf under a person's name: a page elsewhere must not write one."""
    browser = sit(sandbox, authority)
    form = Page(browser.get(FIRST)).form("/console/sign-out")
    before = kept(sandbox, "regulator_access")

    looked = browser.get(FIRST, {"Sec-Fetch-Site": "cross-site"})
    left = browser.send(form, headers={"Origin": "https://evil.example"})

    assert (403, 403) == (looked.status_code, left.status_code)
    assert before == kept(sandbox, "regulator_access")
    cookie = browser.client.get_cookie(COOKIE, domain="localhost", path="/")
    assert cookie is not None
    thief = Browser(sandbox=sandbox, agent="another browser")
    thief.client.set_cookie(COOKIE, cookie.value, domain="localhost", path="/")
    assert 403 == thief.get(FIRST).status_code
    assert (True, True, "Lax") == (cookie.secure, cookie.http_only, cookie.same_site)
    assert 303 == browser.send(form).status_code
    assert 403 == browser.get(FIRST).status_code


def test_an_idle_session_ends(sandbox: Sandbox, authority: str) -> None:
    """A screen that was left alone over lunch belongs to whoever sits down."""
    browser = sit(sandbox, authority)
    idle = sandbox.settings.page_idle_seconds_max
    run_sql(
        sandbox.settings.libpq_url,
        "UPDATE page_session SET seen_at = seen_at - %s RETURNING 1",
        idle,
    )

    assert 403 == browser.get(FIRST).status_code
