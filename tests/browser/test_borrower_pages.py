"""The borrower's pages as a person meets them: a real browser, a real passkey ceremony."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import pytest

from exchange.services.borrower.attend_keys import confirm_person
from exchange_client.log.looks import verify_looks
from tests.browser.conftest import HERE, Person, Served
from tests.support.borrower_browser import requested
from tests.support.embargoes import AUTHORITY, open_person
from tests.support.grant_desk import shown
from tests.support.record_desk import RecordDesk


def keep_picture(person: Person, name: str) -> None:
    """Keep a picture of the page where SCREENSHOTS names a folder, for people to look at."""
    if folder := os.environ.get("SCREENSHOTS"):
        person.page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def follow(person: Person, lender: RecordDesk, language: str = "en") -> str:
    """Follow the link of a fresh request to its page; return the grant's id."""
    told = requested(lender)
    person.page.goto(f"{person.base}/borrower?lang={language}")
    person.page.goto(str(told["link"]))
    person.page.wait_for_url("**/borrower/request/answer")
    return str(told["grant_id"])


def agree(person: Person) -> None:
    """Press the button and wait until the page says that it is done."""
    person.page.get_by_role("button", name="Agree").click()
    person.page.get_by_role("heading", name="You have agreed").wait_for()


def test_a_person_agrees_sees_who_looked_and_ends_it_with_one_passkey(
    person: Person, lender: RecordDesk
) -> None:
    """The whole way, on the device it is made for; nothing leaves it but our own forms."""
    grant = follow(person, lender)
    keep_picture(person, "request")
    agree(person)
    person.page.context.clear_cookies()  # Another day.
    person.page.goto(f"{person.base}/borrower")
    person.page.get_by_role("button", name="Sign in with your passkey").click()
    person.page.get_by_role("link", name="Who looked at you").click()
    person.page.get_by_text("agreed to by you").wait_for()
    keep_picture(person, "looks")
    person.page.get_by_role("link", name="Your permissions").click()

    person.page.get_by_role("button", name="End this permission").click()

    person.page.get_by_text("The next look is refused").first.wait_for()
    keep_picture(person, "ended")
    assert ("WITHHELD", "grant.withdrawn") == lender.answer(grant)
    assert ([], []) == (person.strangers(), person.said)


def test_what_an_embargo_withholds_is_said_to_be_there_and_shown_when_it_ended(
    person: Person, lender: RecordDesk, served: Served
) -> None:
    """The count adds up while a look is withheld, and nobody must ask for it afterwards."""
    sandbox, now = served.sandbox, served.sandbox.ports.now()
    sandbox.enrol(AUTHORITY)
    grant = follow(person, lender)
    agree(person)
    confirm_person("member-a", UUID(grant[4:]), ["anna", "ben"], sandbox.ports)
    open_person(sandbox, now - 1, now - 60)
    open_person(sandbox, now + 30 * 86_400, now)

    person.page.goto(f"{person.base}/borrower/looks")

    rows = person.page.locator("tbody tr")
    assert [7, 2, 2] == [
        rows.count(),
        rows.filter(has_text="Withheld until").count(),
        rows.filter(has_text="Supervisor looked").count(),
    ]
    person.page.get_by_text("numbered 1 to 7. None is missing.").wait_for()
    keep_picture(person, "withheld")
    assert [] == person.faults()
    with person.page.expect_download() as taken:
        person.page.get_by_role("link", name="Download the signed statement").click()
    text = Path(taken.value.path()).read_text()
    (subject,) = verify_looks(text, sandbox.pins(), now=2**40).subjects
    assert 8 == len(subject.looks)  # this statement as well
    assert 2 == sum(look.withheld_until is not None for look in subject.looks)


def test_a_person_refuses_by_keyboard_alone(person: Person, lender: RecordDesk) -> None:
    """Who cannot use a mouse, or has no passkey, says no as easily as anyone."""
    grant = follow(person, lender)
    button = person.page.locator("form[action$=refuse] button")

    button.focus()
    person.page.keyboard.press("Enter")

    person.page.wait_for_url("**/borrower/request/refuse")
    assert "REJECTED" == shown(lender.send("GET", f"/v1/grants/{grant}"))["state"]


def test_the_secret_leaves_the_address_and_never_reaches_a_server(
    person: Person, lender: RecordDesk
) -> None:
    """A link in a history or a proxy's log must open nothing."""
    link = str(requested(lender)["link"])
    secret = link.partition("#")[2]

    person.page.goto(link)
    person.page.wait_for_url("**/borrower/request/answer")

    assert secret not in person.page.url
    assert [] == [url for url in person.asked if secret in url.partition("#")[0]]


def test_a_device_that_does_not_verify_its_user_signs_nothing(
    person: Person, lender: RecordDesk
) -> None:
    """A found telephone must not agree for its owner."""
    grant = follow(person, lender)
    person.device.send(
        "WebAuthn.setUserVerified",
        {"authenticatorId": person.authenticator, "isUserVerified": False},
    )

    person.page.get_by_role("button", name="Agree").click()

    person.page.get_by_text("Your device did not finish").wait_for()
    assert "REQUESTED" == shown(lender.send("GET", f"/v1/grants/{grant}"))["state"]


@pytest.mark.parametrize("language", ["en", "zh-CN"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_serious_fault_of_accessibility(
    person: Person, lender: RecordDesk, served: Served, language: str, scheme: str
) -> None:
    """A right that a screen reader cannot reach, or tired eyes cannot read, is no right."""
    lender.put(lender.late(days=40))
    person.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    person.page.goto(f"{person.base}/borrower?lang={language}")
    found = {"sign-in": person.faults()}
    keep_picture(person, f"sign-in-{language}-{scheme}")
    follow(person, lender, language)
    found["request"] = person.faults()
    keep_picture(person, f"request-{language}-{scheme}")
    person.page.locator("form[data-passkey=agree] button").click()
    person.page.wait_for_url("**/accept")
    found["agreed"] = person.faults()
    for name in ("file", "records", "looks"):
        person.page.goto(f"{person.base}/borrower/{name}")
        found[name] = person.faults()
        keep_picture(person, f"{name}-{language}-{scheme}")
    person.page.goto(f"{person.base}/borrower/grants/none")
    found["refusal"] = person.faults()

    assert {name: [] for name in found} == found
    assert [] == person.strangers()


def test_what_is_vendored_is_what_it_says() -> None:
    """A tool that somebody changed finds what they want it to find."""
    lines = (HERE / "vendor" / "SHA256SUMS").read_text().splitlines()

    listed = {name: digest for digest, name in (line.split("  ") for line in lines)}

    vendored = sorted((HERE / "vendor").iterdir())
    assert listed == {
        path.name: sha256(path.read_bytes()).hexdigest()
        for path in vendored
        if path.name not in {"SHA256SUMS", "README.md"}
    }
