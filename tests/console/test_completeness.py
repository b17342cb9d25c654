"""Nobody else looked: the night's index, the signed statement, and what a hidden look betrays."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from exchange.app.ports import make_erase_ports
from exchange.services.erasure.shred_openings import erase_subject
from exchange.services.log.ports import LogPorts
from exchange.services.log.write_daily import write_daily
from exchange_client.errors import ReceiptInvalid
from exchange_client.log.looks import VerifiedLooks, verify_looks
from tests.console.test_own_file import proofs, seen
from tests.support.authenticator import Authenticator
from tests.support.borrower_browser import Browser, agreed
from tests.support.grant_desk import GrantDesk, token
from tests.support.record_desk import RecordDesk
from tests.support.sandbox import Sandbox

DAY_SECONDS = 86_400


def seal(sandbox: Sandbox, nights_ago: int = 0) -> str:
    """Write the index of a day as the sequencer does in the night after it; return the day."""
    sandbox.sequence()
    now = sandbox.ports.now()
    if datetime.fromtimestamp(now, UTC).timetuple().tm_yday <= nights_ago:
        now += (nights_ago + 1) * DAY_SECONDS  # All nights of one log: in the first days of a year.
    night = now - nights_ago * DAY_SECONDS - now % DAY_SECONDS + 120
    ports = replace(sandbox.ports, now=lambda: night)
    write_daily(LogPorts(ports=ports, begin=sandbox.database.begin))
    sandbox.sequence()
    return datetime.fromtimestamp(night - DAY_SECONDS, UTC).date().isoformat()


def stated(browser: Browser, sandbox: Sandbox) -> VerifiedLooks:
    """Take the statement home, and verify it there."""
    response = browser.get("/borrower/looks/statement")
    assert (200, "application/jose") == (response.status_code, response.content_type)
    assert "attachment" in response.headers["Content-Disposition"]
    now = sandbox.ports.now() + 2 * DAY_SECONDS
    return verify_looks(response.text, sandbox.pins(), now=now)


def test_the_page_and_the_statement_show_that_nobody_else_looked(
    desk: RecordDesk, second: RecordDesk, browser: Browser, device: Authenticator, sandbox: Sandbox
) -> None:
    """A list that its maker says is complete proves nothing."""
    agreed(second, browser, device)
    grant = agreed(desk, browser, device, new=False)
    desk.answer(grant)
    before = seen(browser)
    day = seal(sandbox)
    desk.answer(grant)
    sandbox.sequence()

    page, (subject,) = seen(browser), stated(browser, sandbox).subjects

    assert "No index has counted you yet" in before
    assert f"Sealed on {day}: the log's index counts 6 entries about you" in page
    assert "nobody else looked up to then" in page
    # two requests and agreements, look, view; then look, view, and the statement: no index yet
    assert list(range(9, 0, -1)) == [look.number for look in subject.looks]
    assert [True, True] + 7 * [False] == [look.index is None for look in subject.looks]
    assert subject.complete
    assert subject.index is not None
    assert (day, 6) == (subject.index.day, subject.index.count)


def test_a_look_that_is_hidden_after_the_night_is_betrayed_by_its_index(
    desk: GrantDesk, browser: Browser, device: Authenticator, sandbox: Sandbox
) -> None:
    """Whoever takes an entry out lowers the count as well; the root in the log says otherwise."""
    grant = agreed(desk, browser, device)
    desk.answer(grant)
    seal(sandbox)
    desk.sql("DELETE FROM log_search WHERE kind = 'query' RETURNING 1")
    desk.sql("UPDATE subject_counter SET last_seq = 2 RETURNING 1")

    page = seen(browser)

    assert "Something is missing" in page
    assert "nobody else looked" not in page
    with pytest.raises(ReceiptInvalid, match=r"^\((4|7)\)"):
        stated(browser, sandbox)


def test_an_index_that_passed_over_a_look_is_betrayed_when_the_look_is_there(
    desk: GrantDesk, browser: Browser, device: Authenticator, sandbox: Sandbox
) -> None:
    """A look would be hidden for the night in which it is counted, and be back by day."""
    grant = agreed(desk, browser, device)
    desk.answer(grant)
    desk.sql("CREATE TABLE kept AS SELECT * FROM log_search WHERE kind = 'query'")
    desk.sql("DELETE FROM log_search WHERE kind = 'query' RETURNING 1")
    seal(sandbox)
    desk.sql("INSERT INTO log_search SELECT * FROM kept RETURNING 1")

    page = seen(browser)

    assert "Something is missing" in page
    with pytest.raises(ReceiptInvalid, match=r"^\(7\)"):
        stated(browser, sandbox)


@pytest.mark.parametrize(
    "spoil",
    [
        "UPDATE index_part SET lines = set_byte(lines, 2, get_byte(lines, 2) # 1) RETURNING 1",
        "WITH d AS (UPDATE log_day SET day = '2026-01-01' WHERE kind = 'index_root')"
        " UPDATE index_part SET day = '2026-01-01' RETURNING 1",
        "UPDATE index_part SET lines = overlay(lines placing '9' from 36 for 1) RETURNING 1",
    ],
)
def test_a_line_that_was_altered_is_not_shown(
    desk: GrantDesk, browser: Browser, device: Authenticator, sandbox: Sandbox, spoil: str
) -> None:
    """A flipped bit must not leave the exchange as a proof."""
    agreed(desk, browser, device)
    agreed(desk, Browser(sandbox=sandbox), Authenticator(), subject=2)
    seal(sandbox)
    desk.sql(spoil)

    response = browser.get("/borrower/looks/statement")

    if response.status_code == 200:  # The line is no longer this person's: then there is none.
        (subject,) = verify_looks(response.text, sandbox.pins(), now=2**40).subjects
        assert (None, False) == (subject.index, subject.complete)
    else:
        assert 503 == response.status_code


def test_the_next_night_keeps_two_indices_and_shows_the_newer(
    desk: GrantDesk, browser: Browser, device: Authenticator, sandbox: Sandbox
) -> None:
    """Lines of every day since the year began would be kept of everybody."""
    agreed(desk, browser, device)
    days = [seal(sandbox, nights_ago) for nights_ago in (2, 1, 0)]

    (subject,) = stated(browser, sandbox).subjects

    kept = desk.sql("SELECT DISTINCT day FROM index_part ORDER BY day")
    assert days[1:] == [row[0] for row in kept]
    assert subject.index is not None
    assert days[2] == subject.index.day


def test_a_passkey_that_opens_a_part_states_how_many_it_does_not_open(
    desk: RecordDesk, second: RecordDesk, browser: Browser, device: Authenticator, sandbox: Sandbox
) -> None:
    """A part would pass for the whole; or others' looks be told to a stranger."""
    second.put(second.late(account="acc-9", days=45))
    agreed(desk, browser, device)
    agreed(second, Browser(sandbox=sandbox), Authenticator())
    seal(sandbox)

    (subject,) = stated(browser, sandbox).subjects

    assert subject.stated.hidden > 0
    assert not subject.complete
    members = {look.said.get("member") for look in subject.looks if look.said}
    assert "member-b" not in members


def test_a_statement_is_a_look_itself_and_counts_against_the_day(
    desk: GrantDesk, browser: Browser, device: Authenticator, sandbox: Sandbox
) -> None:
    """A thief of the key would take everything home, and leave no trace."""
    agreed(desk, browser, device)
    limit = sandbox.settings.file_views_per_day

    path = "/borrower/looks/statement"
    statuses = [browser.get(path).status_code for _ in range(limit + 1)]

    assert [200] * limit + [429] == statuses
    assert limit == desk.leaves("subject_access")


@pytest.mark.parametrize("column", ["subject", "audit"])
def test_a_flipped_bit_in_an_opening_is_shown_on_no_page(
    desk: GrantDesk, browser: Browser, device: Authenticator, sandbox: Sandbox, column: str
) -> None:
    """A look would be shown as another, or an embargo as none."""
    agreed(desk, browser, device)
    sandbox.sequence()
    paths = ["/borrower/looks", "/borrower/looks/statement", proofs(browser)[-1]]
    flip = f"{column} = set_byte({column}, 20, get_byte({column}, 20) # 1)"
    desk.sql(f"UPDATE opening SET {flip} WHERE starts_with(key_id, 'p:') RETURNING 1")

    statuses = [browser.get(path).status_code for path in paths]

    assert [503, 503, 503] == statuses


def test_what_was_erased_is_told_and_not_called_missing(
    desk: RecordDesk, second: RecordDesk, browser: Browser, device: Authenticator, sandbox: Sandbox
) -> None:
    """Whoever had a right to be forgotten would be told that somebody hides something."""
    agreed(second, browser, device)
    grant = agreed(desk, browser, device, new=False)
    desk.answer(grant)
    (before,) = desk.sql("SELECT count(*) FROM query")
    seal(sandbox)
    erase = make_erase_ports(sandbox.settings, sandbox.ports, sandbox.database)
    index = sandbox.ports.keyring.index("ep_1", token(1))
    erase_subject(sandbox.ports.keyring.pseudonym(index), "PIPL art. 47", "case-1", erase)
    sandbox.sequence()

    page, (subject,) = seen(browser), stated(browser, sandbox).subjects

    assert "5 were erased by order" in page
    assert ("Something is missing" in page, "nobody else looked" in page) == (False, False)
    assert (7, 5, [7, 6]) == (
        subject.stated.numbered,
        subject.stated.erased,
        [look.number for look in subject.looks],
    )
    assert not subject.complete
    # The answer that the exchange kept, and the receipt in it, are gone as well.
    assert ((1,), [(0,)]) == (before, desk.sql("SELECT count(*) FROM query"))
