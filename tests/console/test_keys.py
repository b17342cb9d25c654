"""What the operator does for borrowers: confirm a person, end a lost key, forget old sessions."""

from __future__ import annotations

from uuid import UUID

import pytest

from exchange.errors import AbsentError
from exchange.services.borrower.attend_keys import confirm_person, end_key, forget_sessions
from tests.support.authenticator import Authenticator
from tests.support.borrower_browser import Browser, agreed
from tests.support.record_desk import RecordDesk
from tests.support.sandbox import Sandbox

TWO = ("anna", "ben")


def test_a_person_whom_the_operator_has_proofed_sees_the_whole_file(
    desk: RecordDesk,
    second: RecordDesk,
    browser: Browser,
    device: Authenticator,
    sandbox: Sandbox,
) -> None:
    """Who has one lender only must still be able to see everything that is held."""
    second.put(second.late(account="acc-9", days=45))
    grant = agreed(desk, browser, device)
    before = browser.get("/borrower/records").text

    confirm_person("member-a", UUID(grant[4:]), TWO, sandbox.ports)

    assert "45 days late" not in before
    assert "45 days late" in browser.get("/borrower/records").text
    assert 1 == len(
        [row for row in desk.sql("SELECT voucher FROM passkey_voucher") if row == ("",)]
    )


def test_a_lost_key_opens_nothing_from_the_moment_it_is_ended(
    desk: RecordDesk, browser: Browser, device: Authenticator, sandbox: Sandbox
) -> None:
    """Whoever found the telephone must be shut out at once, signed in or not."""
    grant = agreed(desk, browser, device)
    before = browser.get("/borrower/file").status_code

    end_key("member-a", UUID(grant[4:]), TWO, sandbox.ports)

    assert (200, 403) == (before, browser.get("/borrower/file").status_code)
    assert 403 == Browser(sandbox=sandbox).sign_in(device).status_code


def test_nobody_is_confirmed_by_a_grant_that_no_key_signed(
    desk: RecordDesk, sandbox: Sandbox
) -> None:
    """A slip of the pen must not open a stranger's file."""
    grant = desk.granted()

    with pytest.raises(AbsentError):
        confirm_person("member-a", UUID(grant[4:]), TWO, sandbox.ports)

    assert [(0,)] == desk.sql("SELECT count(*) FROM passkey_voucher")


def test_sessions_that_are_over_are_forgotten_and_open_ones_stay(
    desk: RecordDesk, browser: Browser, device: Authenticator, sandbox: Sandbox
) -> None:
    """What is not needed is not kept, and nobody is thrown out by the cleaning."""
    agreed(desk, browser, device)
    kept = sandbox.settings.page_session_seconds_max
    desk.sql(
        "UPDATE page_session SET started_at = started_at - %s WHERE ended_at IS NOT NULL"
        " RETURNING 1",
        kept + 60,
    )

    gone = forget_sessions(kept, sandbox.ports)

    assert 1 == gone
    assert 200 == browser.get("/borrower/file").status_code
