"""An embargo hides what an entry says, never that there is one; and it ends by itself."""

from __future__ import annotations

from dataclasses import replace

from exchange.domain.base64url import b64url
from exchange.services.borrower.looks.open_entry import open_entry, own_slots
from exchange.services.borrower.statements import EntriesAsk, Opened
from exchange_client.proofs import verify_proof
from tests.console.test_completeness import seal, stated
from tests.console.test_own_file import seen
from tests.support.authenticator import Authenticator
from tests.support.borrower_browser import Browser, agreed
from tests.support.embargoes import AUTHORITY, open_person
from tests.support.grant_desk import token
from tests.support.record_desk import RecordDesk
from tests.support.sandbox import Sandbox

DAY_SECONDS = 86_400


def whole_file(
    desk: RecordDesk, second: RecordDesk, browser: Browser, device: Authenticator
) -> None:
    """Let two lenders vouch for the passkey: it opens every entry then, 4 so far."""
    agreed(desk, browser, device)
    agreed(second, browser, device, new=False)


def test_a_withheld_look_is_counted_named_as_such_and_proven_closed(
    desk: RecordDesk, second: RecordDesk, browser: Browser, device: Authenticator, sandbox: Sandbox
) -> None:
    """A suspect would be warned; or an entry be hidden for good under the name of an embargo."""
    now = sandbox.ports.now()
    sandbox.enrol(AUTHORITY)
    whole_file(desk, second, browser, device)
    open_person(sandbox, now + DAY_SECONDS, now)
    seal(sandbox)

    page, (subject,) = seen(browser), stated(browser, sandbox).subjects

    assert "7 entries about you in this year's log, numbered 1 to 7. None is missing." in page
    assert "the log's index counts 6 entries about you" in page
    assert 2 == page.count("Withheld until")
    assert ("Supervisor looked" in page, AUTHORITY in page) == (False, False)
    withheld = [look.number for look in subject.looks if look.withheld_until is not None]
    assert ([6, 5], True) == (withheld, subject.complete)
    assert 2 * [now + DAY_SECONDS] == [
        look.withheld_until for look in subject.looks if look.number in withheld
    ]
    leaf = next(look.leaf for look in subject.stated.looks if look.number == 5)
    proof = browser.get(f"/borrower/looks/{b64url(leaf)}").data
    assert {} == verify_proof(proof, sandbox.pins().log_vkey, leaf=leaf).openings


def test_after_its_end_the_same_entry_is_shown(
    desk: RecordDesk, second: RecordDesk, browser: Browser, device: Authenticator, sandbox: Sandbox
) -> None:
    """Nobody would ever learn of it."""
    now = sandbox.ports.now()
    sandbox.enrol(AUTHORITY)
    whole_file(desk, second, browser, device)
    open_person(sandbox, now - 1, now - 60)
    sandbox.sequence()

    page, (subject,) = seen(browser), stated(browser, sandbox).subjects

    assert (2, 0) == (page.count("Supervisor looked"), page.count("Withheld"))
    said = [look.said for look in subject.looks if look.number in (5, 6)]
    assert 2 * [("regulator_access", AUTHORITY)] == [(one["kind"], one["member"]) for one in said]


def test_an_embargo_ends_in_the_second_that_it_names(sandbox: Sandbox) -> None:
    """A second too early warns, one too late breaks what was promised."""
    now = sandbox.ports.now()
    until = now + DAY_SECONDS
    sandbox.enrol(AUTHORITY)
    open_person(sandbox, until, now)
    index = sandbox.ports.keyring.index("ep_1", token(1))
    opened = [Opened(index, sandbox.ports.keyring.pseudonym(index), None)]
    with sandbox.database.begin() as work:
        entry, _ = work.files.entries(opened, EntriesAsk(rows_max=10))

    before, after = (
        open_entry(entry, replace(sandbox.ports, now=lambda at=at: at))  # type: ignore[misc]  # mypy knows no default of a lambda
        for at in (until - 1, until)
    )

    assert (until, {}, frozenset()) == (before.withheld_until, before.said, own_slots(before))
    assert (None, "regulator_access") == (after.withheld_until, after.said["kind"])
    assert {"subject"} == {slot.value for slot in own_slots(after)}
