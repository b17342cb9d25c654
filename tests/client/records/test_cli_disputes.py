"""`cx dispute`, `cx record` and `cx report` as a member types them, against a whole exchange."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from exchange.services.standing.measure_quality import measure_quality
from tests.client.test_cli import row
from tests.support.terminal import Terminal, open_terminal, read


@pytest.fixture
def terminal(database_url: str, tmp_path: Path) -> Iterator[Terminal]:
    """A member with its key and pins, in front of an exchange."""
    with open_terminal(database_url, tmp_path) as opened:
        yield opened


def written(terminal: Terminal, name: str, content: str) -> str:
    """Write a file; return where it is."""
    terminal.at(name).write_text(content, encoding="utf-8")
    return str(terminal.at(name))


def reported(terminal: Terminal, **changes: object) -> str:
    """Report one account; return the file with its row."""
    file = written(terminal, "row", json.dumps({**row(terminal, 1), **changes}) + "\n")
    done = terminal.cx("record", "put", file, "--json")
    assert 0 == done.exit_code, done.output
    return file


def opened(terminal: Terminal) -> str:
    """Report one account and dispute it; return the dispute's id."""
    reported(terminal)
    words = written(terminal, "words", "The sum is wrong.\n")
    done = terminal.cx(
        "dispute",
        "open",
        "--account",
        "acc-1",
        "--cause",
        "WRONG_AMOUNT",
        "--text",
        words,
        "--json",
    )
    assert 0 == done.exit_code, done.output
    return str(read(done)["dispute_id"])


def test_a_dispute_is_opened_listed_and_answered_with_its_correction(terminal: Terminal) -> None:
    """A lender's complaints desk needs no programmer."""
    dispute = opened(terminal)
    words = written(terminal, "answer", "It was.\n")
    mended = written(
        terminal, "mended", json.dumps({**row(terminal, 1), "balance_minor": 1}) + "\n"
    )

    done = terminal.cx(
        "dispute",
        "answer",
        dispute,
        "--result",
        "MODIFIED",
        "--text",
        words,
        "--row",
        mended,
        "--json",
    )

    told = read(done)
    assert (0, "ANSWERED", "MODIFIED") == (done.exit_code, told["state"], told["result"])
    listed = terminal.cx("dispute", "list", "--state", "ANSWERED")
    assert f"{dispute}  acc-1  WRONG_AMOUNT  ANSWERED  MODIFIED" in listed.stdout
    assert "no disputes" in terminal.cx("dispute", "list", "--overdue").stdout
    shown = terminal.cx("dispute", "show", dispute).stdout.splitlines()
    assert ["    The sum is wrong.", "    It was."] == shown[2::2]
    assert (" open by member-a", " answer by member-a: MODIFIED") == (shown[1][12:], shown[3][12:])
    closed = read(terminal.cx("dispute", "close", dispute, "--agreed", "--json"))
    assert ("CLOSED", "MODIFIED") == (closed["state"], closed["result"])


def test_a_correction_without_its_row_is_refused_before_it_is_sent(terminal: Terminal) -> None:
    """Half an answer never leaves the lender."""
    dispute = opened(terminal)

    done = terminal.cx(
        "dispute", "answer", dispute, "--result", "MODIFIED", "--text", str(terminal.at("words"))
    )

    assert 2 == done.exit_code
    assert "OPEN" == read(terminal.cx("dispute", "show", dispute, "--json"))["state"]


def test_a_record_is_amended_and_deleted(terminal: Terminal) -> None:
    """The one account that was wrong does not wait for the nightly file."""
    file = reported(terminal)

    amended = read(terminal.cx("record", "amend", file, "--json"))
    deleted = read(terminal.cx("record", "delete", "acc-1", "--reason", "DELETE_ERROR", "--json"))

    assert ("amended", "deleted") == (amended["event"], deleted["event"])
    again = terminal.cx("record", "delete", "acc-1", "--reason", "DELETE_ERROR")
    assert 1 == again.exit_code


def test_a_statement_is_relayed(terminal: Terminal) -> None:
    """The borrower's own word reaches the exchange as it was said."""
    reported(terminal)
    words = written(terminal, "said", "我在住院。\n")

    done = terminal.cx("state", "--account", "acc-1", "--text", words, "--json")

    assert str(read(done)["statement_id"]).startswith("sta_")


def test_the_report_of_quality_says_what_it_earns(terminal: Terminal) -> None:
    """A lender sees its grade before it feels it."""
    reported(terminal)
    measure_quality(terminal.sandbox.ports)

    done = terminal.cx("report", "quality")

    assert 0 == done.exit_code
    assert "answers are ALL" in done.stdout
    assert "NEW  FULL_BOOK" in done.stdout
