"""Where the job of the consortium's report ends, there is a whole report or none."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import pytest
from typer.testing import CliRunner

from exchange.cli.main import app as operator
from exchange.errors import IntegrityError
from exchange.store.rights import WORKER, url_as
from tests.support.life.consortium_desk import Consortium
from tests.support.stepped import Steps


def test_a_record_that_does_not_open_lets_no_report_be_made(consortium: Consortium) -> None:
    """A sum that silently leaves a record out is a false one."""
    desk = consortium.first
    desk.uploaded([desk.clean(1, "a-1")])
    desk.sql("UPDATE record SET sealed = wrapped RETURNING 1")

    with pytest.raises(IntegrityError):
        consortium.makes()

    assert (0, 0) == consortium.kept()


class Broken(Exception):
    """A step that ends the job."""


@dataclass(slots=True)
class Breaking(Steps):
    """Breaks before the n-th step, or behind it."""

    at: int = 0
    after: bool = False

    def step(self, name: str, call: Callable[[], object]) -> object:
        """Do one step, or break."""
        self.steps.append(name)
        breaks = len(self.steps) - 1 == self.at
        if breaks and not self.after:
            raise Broken
        done = call()
        if breaks:
            raise Broken
        return done


def test_a_report_is_whole_or_absent_wherever_the_job_ends(consortium: Consortium) -> None:
    """A leaf without its report says that somebody looked for nothing; the reverse hides a look."""
    desk = consortium.first
    desk.uploaded([desk.clean(1, "a-1")])
    at = 0
    while consortium.kept() == (0, 0):
        steps = Breaking(at=at)
        with suppress(Broken):
            consortium.makes(steps)
        at += 1
    whole = steps.steps

    assert ["reports.add", "commit"] == whole[-2:]
    assert len(whole) == at - 1  # The run that broke nowhere is the one that stored.
    assert (1, 1) == consortium.kept()
    desk.sql("UPDATE report SET month = month - 1 RETURNING 1")
    with pytest.raises(Broken):  # Stored, and nobody was told: the next run finds it.
        consortium.makes(Breaking(at=len(whole) - 1, after=True))
    assert (2, 2) == consortium.kept()
    assert consortium.makes() is None


def test_of_two_jobs_at_once_one_makes_the_report(consortium: Consortium) -> None:
    """Two hosts whose timers fire together must not tell two figures of one month."""
    desk = consortium.first
    desk.uploaded([desk.clean(1, "a-1")])

    class Overtaken(Steps):
        def step(self, name: str, call: Callable[[], object]) -> object:
            """Let the other job end first."""
            if name == "reports.add":
                assert consortium.makes() is not None
            return call()

    assert consortium.makes(Overtaken()) is None

    assert (1, 1) == consortium.kept()


def test_the_nightly_command_makes_it_with_the_rights_of_the_daily_jobs(
    consortium: Consortium, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job that lacks a right is found out in the first night of a month."""
    settings = consortium.regulator.sandbox.settings
    monkeypatch.setenv("EXCHANGE_DATABASE_URL", url_as(settings.libpq_url, WORKER))
    monkeypatch.setenv("EXCHANGE_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("EXCHANGE_SANDBOX", "true")
    consortium.first.uploaded([consortium.first.clean(1, "a-1")])

    first, second = (CliRunner().invoke(operator, ["report"]) for _ in range(2))

    assert "1 versions of records opened" in first.output
    assert (0, "this month has its report already\n") == (second.exit_code, second.output)
    assert (1, 1) == consortium.kept()
