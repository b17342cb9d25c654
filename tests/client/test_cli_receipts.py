"""`cx receipt`: evidence that is checked without asking anybody."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.authenticator import Authenticator
from tests.support.borrower_browser import Browser, agreed
from tests.support.record_desk import RecordDesk
from tests.support.signed_log import WITNESSES
from tests.support.terminal import Dead, Terminal, open_terminal, read


@pytest.fixture
def terminal(database_url: str, tmp_path: Path) -> Iterator[Terminal]:
    """A member with its key and pins, in front of an exchange."""
    with open_terminal(database_url, tmp_path) as opened:
        yield opened


def test_a_receipt_verifies_offline_and_with_its_proof(terminal: Terminal) -> None:
    """A regulator checks the evidence without asking anybody."""
    place = str(terminal.at("receipt"))
    terminal.told("--receipt", place)
    alone = terminal.cx("receipt", "verify", place, "--json", transport=Dead())
    terminal.sandbox.sequence()
    fetched = terminal.cx("receipt", "fetch", place)

    proven = terminal.cx("receipt", "verify", place, "--json", transport=Dead())

    assert (0, 0, 0) == (alone.exit_code, fetched.exit_code, proven.exit_code), fetched.output
    assert ([1, 2, 3, 5], None) == (read(alone)["held"], read(alone)["log_index"])
    assert [1, 2, 3, 5, 8, 9] == read(proven)["held"]


def test_a_receipt_with_wrong_bytes_is_not_verified(terminal: Terminal) -> None:
    """Evidence that anyone could have changed is none."""
    place = terminal.at("receipt")
    terminal.told("--receipt", str(place))
    text = place.read_text()
    place.write_text(text[:400] + ("A" if text[400] != "A" else "B") + text[401:])

    done = terminal.cx("receipt", "verify", str(place), "--json")

    assert (4, "receipt.invalid") == (done.exit_code, read(done)["error"])


def test_a_proof_of_another_receipt_is_not_verified(terminal: Terminal) -> None:
    """A true proof of something else proves nothing."""
    places = [str(terminal.at(name)) for name in ("first", "second")]
    for number, place in enumerate(places, start=1):
        terminal.told("--receipt", place, number=number)
    terminal.sandbox.sequence()
    terminal.cx("receipt", "fetch", places[0])

    done = terminal.cx("receipt", "verify", places[1], "--proof", f"{places[0]}.tlog-proof")

    assert 4 == done.exit_code, done.output


def test_a_lost_receipt_is_fetched_by_its_query_id(terminal: Terminal) -> None:
    """Who lost the file still has a right to the evidence."""
    told = terminal.told()
    terminal.sandbox.sequence()

    done = terminal.cx(
        "receipt", "fetch", str(terminal.at("late")), "--query-id", str(told["query_id"])
    )

    assert 0 == done.exit_code, done.output
    assert told["receipt"] == terminal.at("late").read_text().strip()


def test_a_receipt_the_log_has_not_taken_leaves_with_three(terminal: Terminal) -> None:
    """No decision rests on a look that is not proven yet."""
    place = str(terminal.at("receipt"))
    terminal.told("--receipt", place)

    done = terminal.cx("receipt", "fetch", place, "--wait", "0")

    assert (3, False) == (done.exit_code, terminal.at("receipt.tlog-proof").exists())


@pytest.mark.parametrize(("quorum", "left", "held"), [("none", 0, 10), ("w0", 4, 0)])
def test_a_policy_asks_for_a_proof_under_its_quorum(
    terminal: Terminal, quorum: str, left: int, held: int
) -> None:
    """What no witness has seen is not final, whatever the exchange signs."""
    place = str(terminal.at("receipt"))
    terminal.told("--receipt", place)
    terminal.sandbox.sequence()
    terminal.cx("receipt", "fetch", place)
    witness = WITNESSES[0].key.vkey()
    log = terminal.sandbox.pins().log_vkey
    terminal.at("policy").write_text(f"log {log}\nwitness w0 {witness}\nquorum {quorum}\n")

    done = terminal.cx("receipt", "verify", place, "--policy", str(terminal.at("policy")), "--json")

    assert left == done.exit_code, done.output
    assert held == (read(done)["held"][-1] if left == 0 else 0)  # type: ignore[index]  # a list


def test_a_policy_without_a_proof_is_not_verified(terminal: Terminal) -> None:
    """Asked to prove, `cx` does not fall back to the exchange's word."""
    place = str(terminal.at("receipt"))
    terminal.told("--receipt", place)
    terminal.at("policy").write_text(f"log {terminal.sandbox.pins().log_vkey}\nquorum none\n")

    done = terminal.cx("receipt", "verify", place, "--policy", str(terminal.at("policy")))

    assert 4 == done.exit_code


def test_a_borrowers_statement_is_verified_and_one_that_was_altered_is_not(
    terminal: Terminal, tmp_path: Path
) -> None:
    """Who takes home who looked asks nobody whether it is true."""
    lender = RecordDesk(sandbox=terminal.sandbox, key=terminal.key)
    browser = Browser(sandbox=terminal.sandbox)
    agreed(lender, browser, Authenticator())
    terminal.sandbox.sequence()
    place = tmp_path / "looks.jws"
    place.write_text(browser.get("/borrower/looks/statement").text)
    told = terminal.cx("looks", "verify", str(place), transport=Dead())
    as_json = terminal.cx("looks", "verify", str(place), "--json", transport=Dead())
    text = place.read_text()
    place.write_text(text[:400] + ("A" if text[400] != "A" else "B") + text[401:])

    altered = terminal.cx("looks", "verify", str(place), "--json")
    absent = terminal.cx("looks", "verify", str(tmp_path / "none"), "--json")

    assert (0, 0, 4, 2) == tuple(one.exit_code for one in (told, as_json, altered, absent)), (
        told.output
    )
    assert ("log.invalid", "usage") == (read(altered)["error"], read(absent)["error"])
    assert "grant accept" in told.output
    assert "not sealed yet" in told.output
    assert [1, 2, 3, 4, 5, 6, 7] == read(as_json)["held"]
