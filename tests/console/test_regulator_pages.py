"""The regulator's pages: what the API shows, under the same rights, each view of the log a leaf."""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from exchange.app.ports import make_audit_ports
from exchange.console.staff.pages import Pages
from exchange.domain.base64url import unb64url
from exchange.domain.members import Role
from exchange.services.audit.raise_flags import raise_flags
from exchange_client.audit.export import verify_export
from exchange_client.keys import KeyFile
from exchange_client.proofs import verify_proof
from tests.api.audit.test_findings import loan
from tests.support.borrower_browser import Browser, Page
from tests.support.regulator import AUTHORITY, SUBJECT, Regulator, look, open_regulator
from tests.support.sandbox import BASE, Sandbox
from tests.support.seats import seen, sit
from tests.support.signed_requests import Draft, signed_headers

ALL = "/console/entries?asked=1"
IDS = {  # of nothing: enough to be let through, or not
    "<batch_id>": "bat_0192f3a0000070008000000000000001",
    "<dispute_id>": "dsp_0192f3a0000070008000000000000001",
    "<index>": "0",
}


@pytest.fixture
def regulator(database_url: str, tmp_path: Path) -> Iterator[Regulator]:
    """An authority in front of a log, with a lender."""
    with open_regulator(database_url, tmp_path) as opened:
        yield opened


@pytest.fixture
def mei(regulator: Regulator) -> Browser:
    """The browser of the authority's person."""
    return sit(regulator.sandbox, AUTHORITY)


def places(browser: Browser, path: str) -> list[int]:
    """Return the places of the entries that a search shows."""
    return [
        int(one) for one in re.findall(r'href="/console/entries/(\d+)"', browser.get(path).text)
    ]


def status(sandbox: Sandbox, key: KeyFile, path: str) -> int:
    """Ask the API for a path with a member's key."""
    assert isinstance(key.private, Ed25519PrivateKey)
    draft = Draft(
        method="GET", target_uri=BASE + path, created=sandbox.ports.now(), keyid=key.keyid
    )
    headers = signed_headers(draft, key.private)
    return sandbox.app.test_client().get(path, headers=headers).status_code


def judge(regulator: Regulator) -> None:
    """Look for flags and judge loans, as the worker does."""
    sandbox = regulator.sandbox
    raise_flags(make_audit_ports(sandbox.settings, sandbox.ports, sandbox.database))


def filled(path: str) -> str:
    """Fill in the parts of a path."""
    for name, value in IDS.items():
        path = path.replace(name, value)
    return path


def test_a_page_is_open_to_those_alone_whom_the_api_lets_in(regulator: Regulator) -> None:
    """A page with a rule of its own is a way around the API's."""
    sandbox = regulator.sandbox
    pages = sandbox.app.extensions["exchange.console"]
    assert isinstance(pages, Pages)
    found, expected = {}, {}
    for role in Role:
        key = sandbox.enrol(f"is-{role}", role)
        browser = sit(sandbox, key.member)
        for one in pages.entrances:
            expected[role, one.path] = status(sandbox, key, filled(one.like)) == 403
            opened = browser.get(filled(one.path)).status_code
            assert opened < 500, one.path
            found[role, one.path] = opened == 403

    assert expected == found
    assert {True, False} == set(found.values())


def test_the_overview_shows_the_log_and_is_in_it(regulator: Regulator, mei: Browser) -> None:
    """A regulator sees at once how the log stands; and so does everybody that it was looked at."""
    regulator.looks(look(), look(), look(), look())
    judge(regulator)
    regulator.sandbox.sequence()
    size = regulator.size()

    text = seen(mei, "/console/overview")

    assert f"Entries in the log {size}" in text
    assert "Flags raised this year 1" in text
    assert "repeat/1 \u00d7 1" in text
    regulator.sandbox.sequence()
    entries = regulator.get(f"entries?kind=regulator_access&member={AUTHORITY}")["entries"]
    assert isinstance(entries, list)
    users = [row["agent"][0]["user"] for row in entries]
    assert users.count(f"{AUTHORITY}/console:mei") >= 3  # log, flags, loans


def test_a_search_shows_what_the_api_shows_page_by_page(regulator: Regulator, mei: Browser) -> None:
    """A row that the page leaves out is one that a supervisor never asks about."""
    regulator.fill(120)
    regulator.looks(look(outcome="ADVERSE", operator="op-2"))
    first = Page(mei.get(f"{ALL}&kind=query&outcome=NO_DATA&operator="))
    more = next(link for link in first.links if "cursor=" in link)

    second = places(mei, f"/console/entries{more}")
    third = next(
        link for link in Page(mei.get(f"/console/entries{more}")).links if "cursor=" in link
    )

    api = regulator.get("entries?kind=query&outcome=NO_DATA&limit=500")["entries"]
    assert isinstance(api, list)
    shown = [int(one) for one in re.findall(r'entries/(\d+)"', first.text)]
    shown += second + places(mei, f"/console/entries{third}")
    assert [row["index"] for row in api] == shown
    narrowed = seen(mei, f"{ALL}&operator=op-2")
    assert "Entries that match: 1" in narrowed
    assert "op-2" in narrowed
    assert (
        400 == sit(regulator.sandbox, AUTHORITY, "ben").get(f"/console/entries{more}").status_code
    )


def test_a_form_that_was_not_sent_searches_nothing_and_a_wrong_field_is_named(
    regulator: Regulator, mei: Browser
) -> None:
    """Opening the form is no look; and nobody guesses which of ten fields was wrong."""
    regulator.sandbox.sequence()
    before = regulator.size()
    mei.get("/console/entries")
    regulator.sandbox.sequence()

    wrong = mei.get(f"{ALL}&from=yesterday")

    assert before + 1 == regulator.size()  # the look at the size
    assert (422, True) == (wrong.status_code, "must be a day" in wrong.text)
    assert "yesterday" not in wrong.text


def test_a_person_is_searched_by_only_once_another_key_has_released_them(
    regulator: Regulator, mei: Browser
) -> None:
    """A page must not open whom the two people of the API have not opened."""
    regulator.looks(look())

    response = mei.get(f"{ALL}&subject={SUBJECT}")

    assert 403 == response.status_code
    assert "audit.subject_closed" in response.text


def test_an_entry_comes_with_a_proof_that_verifies(regulator: Regulator, mei: Browser) -> None:
    """Who reads one entry on a page can take home what proves it."""
    regulator.looks(look(operator="op-7"))
    [place] = places(mei, f"{ALL}&operator=op-7")

    page, proof = mei.get(f"/console/entries/{place}"), mei.get(f"/console/entries/{place}/proof")

    assert "op-7" in page.text
    rows = regulator.get(f"entries?index={place}")["entries"]
    assert isinstance(rows, list)
    verified = verify_proof(
        proof.data, regulator.sandbox.pins().log_vkey, leaf=unb64url(rows[0]["leaf"])
    )
    assert {"subject", "audit"} == set(verified.openings)
    assert 404 == mei.get("/console/entries/999999").status_code
    assert 422 == mei.get("/console/entries/x").status_code


def test_the_export_is_the_one_that_anybody_verifies(
    regulator: Regulator, mei: Browser, tmp_path: Path
) -> None:
    """What is clicked must be as good evidence as what a program fetched."""
    regulator.looks(look(), look())
    size = regulator.size()

    response = mei.get(f"/console/export?from_index=0&to_index={size}")

    with tarfile.open(fileobj=io.BytesIO(response.data)) as packed:
        packed.extractall(tmp_path / "export")  # noqa: S202 - our own export
    assert size == len(verify_export(tmp_path / "export", regulator.policy()).leaves)


def test_loans_stand_on_the_page_as_they_are_judged(regulator: Regulator, mei: Browser) -> None:
    """A bar that differs from the evidence accuses, or spares, the wrong lender."""
    now = regulator.sandbox.ports.now()
    regulator.looks(look(), loan(paid_at=now + 10), loan("p:" + "0b" * 16, paid_at=now))
    judge(regulator)

    text = seen(mei, "/console/lend-first")

    months = regulator.get("lend-first")["months"]
    assert isinstance(months, list)
    [month] = months
    counts = [month[one] for one in ("loans", "IN_TIME", "STALE", "LATE", "NEVER")]
    assert f"member-a {month['month']} {' '.join(map(str, counts))} too few loans" in text
