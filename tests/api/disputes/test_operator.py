"""`exchange dispute`: a borrower who has no lender's ear and no passkey comes to the operator."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from typer.testing import CliRunner, Result

from exchange.cli.main import app
from exchange.errors import AbsentError, DisputeConflict
from tests.support.dispute_desk import DisputeDesk
from tests.support.grant_desk import shown

Run = Callable[..., Result]


@pytest.fixture
def run(desk: DisputeDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `exchange dispute …` on the desk's exchange."""
    monkeypatch.setenv("EXCHANGE_DATABASE_URL", desk.sandbox.settings.libpq_url)
    monkeypatch.setenv("EXCHANGE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("EXCHANGE_SANDBOX", "true")
    return lambda *words: CliRunner().invoke(app, ["dispute", *words])


@pytest.fixture
def words(tmp_path: Path) -> str:
    """A file with what the borrower says."""
    place = tmp_path / "words.txt"
    place.write_text("我没有借这笔钱。\nIt was not me.\n", encoding="utf-8")
    return str(place)


def opened(run: Run, words: str, account: str = "acc-1", *more: str) -> str:
    """Open a dispute that must be taken; return its id."""
    done = run("open", "member-a", account, "--cause", "NOT_MINE", "--text", words, *more)
    assert 0 == done.exit_code, done.output
    return done.stdout.split()[1]


def test_the_operator_opens_a_dispute_for_a_borrower(
    desk: DisputeDesk, other: DisputeDesk, run: Run, words: str
) -> None:
    """Whoever cannot use a web page has the same right, and every answer says so at once."""
    desk.reported()

    dispute = opened(run, words)

    told = run("show", dispute).stdout
    for text in ("member-a  acc-1  NOT_MINE  OPEN", "by OPERATOR", "我没有借这笔钱。", "on time"):
        assert text in told
    assert other.finding()["dispute"] is True
    assert "OPERATOR" == shown(desk.send("GET", f"/v1/disputes/{dispute}"))["opened_by"]
    assert dispute == opened(run, words, "acc-1", "--id", dispute)
    assert 1 == desk.leaves("dispute")


def test_what_cannot_be_disputed_is_refused(desk: DisputeDesk, run: Run, words: str) -> None:
    """A slip at the counter must open nothing, on nobody's record."""
    desk.reported()
    dispute = opened(run, words)
    desk.reported(2, "acc-2")
    tried = {
        AbsentError: ("open", "member-a", "acc-9", "--cause", "OTHER", "--text", words),
        DisputeConflict: (
            *("open", "member-a", "acc-2", "--cause", "OTHER", "--text", words),
            *("--id", dispute),
        ),
    }

    for error, line in tried.items():
        assert isinstance(run(*line).exception, error)
    assert 2 == run("open", "member-a", "acc-1", "--cause", "ANGER", "--text", words).exit_code
    assert 1 == desk.leaves("dispute")


def test_the_operator_lists_what_is_overdue_without_its_words(
    desk: DisputeDesk, run: Run, words: str
) -> None:
    """Who must be called today is read off one list, and nobody's story with it."""
    desk.reported()
    late = opened(run, words)
    desk.let_days_pass(late, 23)
    desk.reported(2, "acc-2")
    running = opened(run, words, "acc-2")

    overdue = run("list", "--overdue").stdout

    assert [late] == [line.split()[0] for line in overdue.splitlines()]
    assert "OVERDUE, 3 days" in overdue
    assert "not me" not in overdue
    assert {late, running} == {line.split()[0] for line in run("list").stdout.splitlines()}
    assert (
        "" == run("list", "--member", "member-b").stdout == run("list", "--state", "CLOSED").stdout
    )


def test_the_operator_carries_a_dispute_to_its_end(
    desk: DisputeDesk, other: DisputeDesk, run: Run, words: str
) -> None:
    """The member cannot close in the borrower's name; somebody must be able to."""
    desk.reported()
    dispute = opened(run, words)
    assert 0 == run("facts", dispute, "--text", words).exit_code
    shown(desk.reply(dispute))

    closed = run("close", dispute, "--not-agreed")

    assert "CLOSED  UNRESOLVED" in closed.stdout
    assert other.finding()["dispute"] is True
    assert "OPEN" in run("reopen", dispute, "--text", words).stdout
    withdrawn = run("close", dispute, "--agreed")
    assert "WITHDRAWN" in withdrawn.stdout
    assert other.finding()["dispute"] is False
    actors = desk.sql(
        "SELECT DISTINCT actor FROM dispute_event WHERE dispute_id = %s", _id(dispute)
    )
    assert {"OPERATOR", "member-a"} == {row[0] for row in actors}


def _id(dispute: str) -> UUID:
    return UUID(dispute[4:])
