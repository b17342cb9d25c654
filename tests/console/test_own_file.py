"""A borrower's own page: what was allowed, what is held, who looked; the end of a permission."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape

from exchange.domain.base64url import unb64url
from exchange.services.borrower.looks.view_looks import Look
from exchange_client.proofs import verify_proof
from tests.support.authenticator import Authenticator
from tests.support.borrower_browser import Browser, Page, agreed
from tests.support.grant_desk import GrantDesk, shown
from tests.support.record_desk import RecordDesk
from tests.support.sandbox import Sandbox


def seen(browser: Browser, path: str = "/borrower/looks") -> str:
    """Return a page's text without its tags."""
    response = browser.get(path)
    assert 200 == response.status_code, response.text
    return unescape(" ".join(re.sub(r"<[^>]+>", " ", response.text).split()))


def proofs(browser: Browser) -> list[str]:
    """Return the addresses of the proofs on the page of looks."""
    links = Page(browser.get("/borrower/looks")).links
    other = "/borrower/looks/statement"
    return [link for link in links if link.startswith("/borrower/looks/") and link != other]


def test_the_key_that_agreed_ends_it_and_the_very_next_query_is_refused(
    desk: GrantDesk, browser: Browser, device: Authenticator
) -> None:
    """A permission that is hard to take back was never free."""
    grant = agreed(desk, browser, device)
    page = browser.page("/borrower")
    withdraw = page.form(f"/borrower/grants/{grant}/withdraw")

    response = browser.send(withdraw)

    assert {"form"} == set(withdraw.fields)  # no reason is asked
    assert (303, f"/borrower/grants/{grant}") == (
        response.status_code,
        response.headers["Location"],
    )
    assert ("WITHHELD", "grant.withdrawn") == desk.answer(grant)
    assert "You have ended this permission" in seen(browser, f"/borrower/grants/{grant}")


def test_another_key_ends_nothing_and_sees_nothing_of_it(
    desk: GrantDesk, browser: Browser, device: Authenticator, sandbox: Sandbox
) -> None:
    """A stranger with a passkey of the own must not end, or read, what others allowed."""
    grant = agreed(desk, browser, device)
    stranger, key = Browser(sandbox=sandbox), Authenticator()
    own = agreed(desk, stranger, key, subject=2)
    form = stranger.page("/borrower").form(f"/borrower/grants/{own}/withdraw")
    form.action = f"/borrower/grants/{grant}/withdraw"

    ended = stranger.send(form)
    read = stranger.get(f"/borrower/grants/{grant}")

    assert (404, 404) == (ended.status_code, read.status_code)
    assert "ACTIVE" == shown(desk.send("GET", f"/v1/grants/{grant}"))["state"]


def test_a93_a_borrower_does_not_open_anothers_history(
    desk: GrantDesk, browser: Browser, device: Authenticator, sandbox: Sandbox
) -> None:
    """Who asked about whom is nobody's business but theirs."""
    agreed(desk, browser, device)
    sandbox.sequence()
    theirs = proofs(browser)
    other = Browser(sandbox=sandbox)
    agreed(desk, other, Authenticator(), subject=2)

    statuses = {other.get(path).status_code for path in theirs}
    absent = other.get(f"/borrower/looks/{'A' * 43}").status_code

    assert len(theirs) >= 2
    assert ({404}, 404) == (statuses, absent)
    assert set() == set(theirs) & set(proofs(other))


def test_a_review_counts_as_no_inquiry() -> None:
    """A borrower must not be told that others count what they do not."""
    look = Look(
        leaf_hash=b"",
        number=1,
        at=0,
        kind="query",
        member=None,
        purpose="credit_application",
        outcome="ADVERSE",
        event="",
        proven=True,
        withheld_until=None,
    )

    told = [
        one.counts
        for one in (
            look,
            replace(look, purpose="guarantor_check"),
            replace(look, purpose="account_review"),
            replace(look, outcome="WITHHELD"),
        )
    ]

    assert [True, True, False, False] == told


def test_every_look_is_listed_with_its_reason_and_none_is_missing(
    desk: GrantDesk, browser: Browser, device: Authenticator
) -> None:
    """A borrower who cannot see who looked can complain about nobody."""
    grant = agreed(desk, browser, device)
    desk.answer(grant)
    desk.answer(grant)

    text = seen(browser)

    assert "Nothing known" in text
    assert "Nothing: the look was refused" in text  # the second one: a grant for once
    assert "decide about a loan you applied for" in text
    assert 1 == text.count("counts as an inquiry")
    # request, accept, two looks, and this view
    assert "5 entries about you in this year's log. 5 of them" in text


def test_a_view_is_an_entry_itself(
    desk: GrantDesk, browser: Browser, device: Authenticator
) -> None:
    """Whoever opens a file leaves a trace, the borrower and a thief of the key alike."""
    agreed(desk, browser, device)
    seen(browser)

    text = seen(browser, "/borrower/looks")

    assert 2 == desk.leaves("subject_access")
    assert 2 == text.count("You looked")


def test_a_proof_verifies_and_keeps_the_auditors_part_closed(
    desk: GrantDesk, browser: Browser, device: Authenticator, sandbox: Sandbox
) -> None:
    """Anyone can check the proof, and no employee's name is in it."""
    grant = agreed(desk, browser, device)
    desk.answer(grant)
    sandbox.sequence()
    path = proofs(browser)[-1]

    response = browser.get(path)

    leaf = unb64url(path.rpartition("/")[2])
    proof = verify_proof(response.data, sandbox.pins().log_vkey, leaf=leaf)
    assert {"subject"} == set(proof.openings)
    assert b'"operator"' not in response.data
    assert "attachment" in response.headers["Content-Disposition"]


def test_one_member_opens_its_own_part_and_a_second_one_the_whole_file(
    desk: RecordDesk, second: RecordDesk, browser: Browser, device: Authenticator
) -> None:
    """One careless lender must not hand a stranger somebody's whole financial life."""
    second.put(second.late(account="acc-9", days=45))
    desk.put(desk.late(account="acc-1", days=30))
    agreed(desk, browser, device)
    part, looks = seen(browser, "/borrower/records"), seen(browser)

    agreed(second, browser, device, new=False)

    whole = seen(browser, "/borrower/records")
    assert ("30 days late" in part, "45 days late" in part) == (True, False)
    assert ("30 days late" in whole, "45 days late" in whole) == (True, True)
    assert "concern others" in looks
    assert "None is missing" in seen(browser)


def test_a_missing_entry_shows_in_the_count(
    desk: GrantDesk, browser: Browser, device: Authenticator
) -> None:
    """Taking an entry out of the index must be seen by the one it is about."""
    agreed(desk, browser, device)
    desk.sql(
        "DELETE FROM log_search WHERE leaf_hash ="
        " (SELECT leaf_hash FROM log_search WHERE kind = 'grant' LIMIT 1) RETURNING 1"
    )

    text = seen(browser)

    assert "Something is missing" in text


def test_an_entry_that_is_filed_under_what_it_does_not_say_is_not_shown(
    desk: GrantDesk, browser: Browser, device: Authenticator
) -> None:
    """A look filed as another lender's would be opened to whom that lender vouched for."""
    agreed(desk, browser, device)
    desk.sql("UPDATE log_search SET kind = 'statement' WHERE kind = 'grant' RETURNING 1")

    response = browser.get("/borrower/looks")

    assert 503 == response.status_code


def test_the_owner_of_a_live_key_is_told_of_another_one_and_keeps_the_own(
    desk: GrantDesk, second: RecordDesk, browser: Browser, device: Authenticator, sandbox: Sandbox
) -> None:
    """A thief who gets a second key vouched for neither locks the owner out nor stays unseen."""
    agreed(desk, browser, device)
    agreed(second, Browser(sandbox=sandbox), Authenticator())

    text = seen(browser, "/borrower/file")

    assert "vouched for another passkey" in text
    assert 303 == Browser(sandbox=sandbox).sign_in(device).status_code


def test_looks_at_the_own_file_are_limited_and_ending_a_permission_is_not(
    desk: GrantDesk, browser: Browser, device: Authenticator, sandbox: Sandbox
) -> None:
    """A stolen session must not read all day; its owner must be able to end things at once."""
    grant = agreed(desk, browser, device)
    limit = sandbox.settings.file_views_per_day
    statuses = [browser.get("/borrower/looks").status_code for _ in range(limit + 1)]

    ended = browser.send(browser.page("/borrower").form(f"/borrower/grants/{grant}/withdraw"))

    assert [200] * limit + [429] == statuses
    assert 303 == ended.status_code
    assert limit == desk.leaves("subject_access")


def test_pages_of_entries_neither_repeat_nor_skip_while_each_view_adds_one(
    desk: GrantDesk, browser: Browser, device: Authenticator
) -> None:
    """An entry that slips between two pages is one that nobody sees."""
    grant = agreed(desk, browser, device)
    for _ in range(120):
        desk.ask(grant)
    first = Page(browser.get("/borrower/looks"))
    older = next(link for link in first.links if "before=" in link)

    second = Page(browser.get(older))

    numbers = [
        int(number)
        for page in (first, second)
        for number in re.findall(r'data-name="No\.">(\d+)<', page.text)
    ]
    assert list(range(123, 0, -1)) == numbers
