"""Grants that end soon are told of 30 and 7 days before, once each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from consent.purposes import Purpose
from exchange.services.events.tell_expiring import tell_expiring
from tests.support.artefacts import DAY_SECONDS
from tests.support.grant_desk import GrantDesk, shown
from tests.support.sandbox import make_sandbox


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[GrantDesk]:
    """The desk of one lender."""
    sandbox = make_sandbox(database_url, tmp_path)
    yield GrantDesk(sandbox=sandbox, key=sandbox.enrol("member-a"))
    sandbox.close()


def tell(desk: GrantDesk, at: int) -> int:
    """Let the job run at another time."""
    return tell_expiring(replace(desk.sandbox.ports, now=lambda: at))


def told(desk: GrantDesk) -> list[tuple[object, object]]:
    """Return which grants were told of, and how many days before."""
    rows = shown(desk.send("GET", "/v1/grants/changes"))["changes"]
    assert isinstance(rows, list)
    return [(row["grant_id"], row["days"]) for row in rows if row["change"] == "expiring"]


def standing_grant(desk: GrantDesk, subject: int = 1) -> tuple[str, int]:
    """Register a long grant; return its id and its end."""
    grant = desk.granted(subject, purpose=Purpose.CONTRIBUTE)
    return grant, int(str(shown(desk.send("GET", f"/v1/grants/{grant}"))["expires"]))


def test_a_standing_grant_is_told_of_twice_whatever_the_job_does(desk: GrantDesk) -> None:
    """A lender must renew in time: too early is noise, twice is noise, never is a lost consent."""
    grant, end = standing_grant(desk)
    moments = (31 * DAY_SECONDS, 30 * DAY_SECONDS, 29 * DAY_SECONDS, 7 * DAY_SECONDS, 60, 0)

    counts = [(tell(desk, end - before), tell(desk, end - before)) for before in moments]

    assert [(0, 0), (1, 0), (0, 0), (1, 0), (0, 0), (0, 0)] == counts
    assert [(grant, 30), (grant, 7)] == told(desk)


def test_a_job_that_was_down_tells_the_nearer_notice_alone(desk: GrantDesk) -> None:
    """Who has five days left need not be told that thirty are left."""
    grant, end = standing_grant(desk)

    tell(desk, end - 5 * DAY_SECONDS)

    assert [(grant, 7)] == told(desk)


def test_a_grant_that_is_used_once_or_has_ended_is_not_told_of(desk: GrantDesk) -> None:
    """A notice about what nobody can renew, or what is over, is noise."""
    once = desk.granted(2)
    ended, end = standing_grant(desk, 3)
    desk.end(ended, "withdraw")

    counts = [tell(desk, end - DAY_SECONDS), tell(desk, desk.now + 25 * DAY_SECONDS)]

    assert [0, 0] == counts
    assert once not in {grant for grant, _ in told(desk)}
