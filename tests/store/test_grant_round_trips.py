"""What a permission costs a question in round trips to the database: nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from exchange.services.queries.answer_query import answer_queries
from tests.support.grant_desk import ABSENT_GRANT, GrantDesk
from tests.support.sandbox import make_sandbox

SYNC = "\tSync"  # ends what is sent before an answer is waited for


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[GrantDesk]:
    """One lender that asks, at an exchange with one connection."""
    sandbox = make_sandbox(
        database_url, tmp_path, pool_connections_max=1, queries_per_subject_day=100
    )
    yield GrantDesk(sandbox=sandbox, key=sandbox.enrol("member-a"))
    sandbox.close()


def ask(desk: GrantDesk, grant: str | None) -> None:
    """Ask about the first subject."""
    answer_queries([desk.query(grant)], desk.asker(), desk.sandbox.ports)


def round_trips(desk: GrantDesk, grant: str | None) -> int:
    """Count the round trips of one question, by libpq's own trace of the wire."""
    with tempfile.TemporaryFile() as wire:
        with desk.sandbox.ports.begin() as work:
            connection = work.grants._connection.pgconn  # type: ignore[attr-defined]  # inside it
        connection.trace(wire.fileno())
        ask(desk, grant)
        connection.untrace()
        wire.seek(0)
        return sum(SYNC in line for line in wire.read().decode().splitlines())


def test_a_grant_costs_a_question_no_round_trip(desk: GrantDesk) -> None:
    """The gate and the look-up are one statement: asking with permission is as quick as without."""
    granted = desk.granted()
    for grant in (None, granted):  # Statements are prepared once, at their first use.
        ask(desk, grant)

    trips = [round_trips(desk, grant) for grant in (None, ABSENT_GRANT, granted, desk.granted())]

    assert 1 == len(set(trips))
    assert 2 == trips[0]  # begin and gate; leaf and commit
