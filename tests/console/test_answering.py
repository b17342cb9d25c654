"""A lender's request on the hosted page, over plain HTTP: agreed to, refused, and forged."""

from __future__ import annotations

import json

from tests.support.authenticator import Authenticator
from tests.support.borrower_browser import Browser, Page, agreed, requested
from tests.support.grant_desk import GrantDesk, shown
from tests.support.sandbox import Sandbox


def test_a_borrower_reads_and_agrees_and_the_next_query_is_answered(
    desk: GrantDesk, browser: Browser
) -> None:
    """The permission that counts most is the one its giver saw and signed."""
    told = requested(desk)
    before = desk.answer(str(told["grant_id"]))
    page = Page(browser.open(str(told["link"])))

    response = browser.agree(page, Authenticator())

    assert 200 == response.status_code, response.text
    assert ("WITHHELD", "grant.requested") == before
    assert ("NO_DATA", "permitted") == desk.answer(str(told["grant_id"]))
    assert 2 == shown(desk.send("GET", f"/v1/grants/{told['grant_id']}"))["level"]


def test_the_page_holds_the_very_notice_that_the_artefact_names(
    desk: GrantDesk, browser: Browser
) -> None:
    """What a borrower signs under must be what two people approved, with the lender named in it."""
    page = Page(browser.open(str(requested(desk)["link"])))

    (row,) = desk.sql(
        "SELECT convert_from(document, 'UTF8') FROM notice WHERE purpose = 'credit_application'"
        " AND kind = 'consent' AND lang = 'zh-CN' AND jurisdiction = 'CN'"
    )
    document = json.loads(str(row[0]))
    first = document["text"].split("\n")[0].split("{")[0]
    assert first
    assert first in page.text
    assert "{member}" not in page.text


def test_refusing_takes_one_click_and_no_passkey(desk: GrantDesk, browser: Browser) -> None:
    """Whoever may only say yes with ease was never asked."""
    told = requested(desk)
    page = Page(browser.open(str(told["link"])))

    response = browser.send(page.form("/borrower/request/refuse"))

    assert 200 == response.status_code
    assert "REJECTED" == shown(desk.send("GET", f"/v1/grants/{told['grant_id']}"))["state"]
    assert [(0,)] == desk.sql("SELECT count(*) FROM passkey")


def test_a_known_passkey_signs_the_next_request_and_opens_the_own_page(
    desk: GrantDesk, browser: Browser, sandbox: Sandbox
) -> None:
    """One key for all of it: nobody collects keys as they collect passwords."""
    device = Authenticator()
    agreed(desk, browser, device)

    agreed(desk, browser, device, new=False)

    elsewhere = Browser(sandbox=sandbox)
    assert 303 == elsewhere.sign_in(device).status_code
    assert [(1,)] == desk.sql("SELECT count(*) FROM passkey")


def test_a77_a_members_name_is_text_and_nothing_else(desk: GrantDesk, browser: Browser) -> None:
    """A lender must not put code, another page or a turned sentence before its borrowers."""
    odd = "<script>alert(1)</script>{{7*7}}\u202e../../x\x07" + "n" * 10_240
    desk.sql("UPDATE member SET name = %s, contact = %s RETURNING 1", odd, odd)
    told = requested(desk)

    page = Page(browser.open(str(told["link"])))

    assert 200 == page.status
    assert "&lt;script&gt;alert(1)&lt;/script&gt;{{7*7}}../../x" in page.text
    assert ([], "\u202e" in page.text) == (
        [told for tag, told in page.tags if tag == "script" and "src" not in told],
        False,
    )
    receipt = desk.send("GET", f"/v1/grants/{told['grant_id']}/receipt")
    assert 200 == receipt.status_code
