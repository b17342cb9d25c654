"""The nightly check of the registry: whatever was edited behind its back stops, and is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from exchange.services.grants.verify_grants import Verified, verify_grants
from tests.support.grant_desk import GrantDesk, shown
from tests.support.sandbox import make_sandbox


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[GrantDesk]:
    """One lender with two grants, one of them used, and one that has ended."""
    sandbox = make_sandbox(database_url, tmp_path)
    made = GrantDesk(sandbox=sandbox, key=sandbox.enrol("member-a"))
    for subject in (1, 2, 3):
        made.granted(subject, purpose="account_review" if subject == 2 else "credit_application")
    (row,) = made.sql("SELECT grant_id FROM grants WHERE purpose = 'account_review'")
    made.end(f"gnt_{str(row[0]).replace('-', '')}", "withdraw")
    made.ask(made.granted(4), 4)
    yield made
    sandbox.close()


def check(desk: GrantDesk) -> Verified:
    """Run the nightly check."""
    return verify_grants(desk.sandbox.ports)


def edit(desk: GrantDesk, statement: str) -> None:
    """Edit the database behind the registry's back."""
    with psycopg.connect(desk.sandbox.settings.libpq_url) as connection:
        connection.execute(statement)


def test_a_registry_as_it_was_written_verifies(desk: GrantDesk) -> None:
    """Uses, ends and rests are no differences: nobody is stopped for having used a grant."""
    found = check(desk)

    assert (4, (), 0) == (found.grants, found.differences, found.frozen)


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("UPDATE grants SET expires = expires + 1", "the row is not what"),
        ("UPDATE grants SET purpose = 'guarantor_check'", "the row is not what"),
        ("UPDATE grants SET max_uses = 2 WHERE max_uses = 1", "the row is not what"),
        ("UPDATE grants SET detail = 'flag', fields = '{}'", "the row is not what"),
        ("UPDATE grant_artefact SET digest = '\\x00'", "not what its digest says"),
        (
            "UPDATE grant_artefact SET artefact = overlay(artefact PLACING '\\x41414141' FROM"
            " octet_length(artefact) - 40), digest = sha256(overlay(artefact PLACING '\\x41414141'"
            " FROM octet_length(artefact) - 40))",
            "the signature does not hold",
        ),
        (
            "UPDATE grant_artefact SET kid = 'member-a/other'",
            "the key that signed it is not known",
        ),
        (
            "UPDATE grant_artefact SET leaf_hash = (SELECT leaf_hash FROM grant_event"
            " WHERE event = 'withdraw')",
            "the log says another artefact",
        ),
        ("UPDATE grant_artefact SET leaf_hash = '\\x00'", "the log has no leaf"),
        ("DELETE FROM grants WHERE uses = 1", "the row that uses are judged by is missing"),
    ],
)
def test_an_edited_grant_stops_its_member_and_is_told(
    desk: GrantDesk, statement: str, what: str
) -> None:
    """Nobody widens a borrower's consent with a statement to the database and goes on asking."""
    edit(desk, statement)

    found = check(desk)

    assert found.differences
    assert {True} == {what in one.what for one in found.differences}
    paused = desk.sql("SELECT count(*) FROM grants WHERE state = 'PAUSED'")
    assert [(found.frozen,)] == paused
    assert found.frozen >= 2
    assert 1 == desk.leaves("flag")


def test_a_freeze_is_the_exchanges_to_lift(desk: GrantDesk) -> None:
    """The member whose grants differ does not let them go on by itself."""
    grant = desk.granted(5)
    edit(desk, "UPDATE grants SET expires = expires + 1 WHERE purpose = 'account_review'")
    check(desk)

    assert ("WITHHELD", "grant.paused") == desk.answer(grant, 5)
    assert 409 == desk.end(grant, "resume").status_code
    assert "PAUSED" == shown(desk.send("GET", f"/v1/grants/{grant}"))["state"]
    assert 0 == check(desk).frozen
