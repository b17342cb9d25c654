"""PostgreSQL that dies under a request: the request ends as an outage, never as a fault of ours."""

from __future__ import annotations

from contextlib import closing

import pytest

from exchange.errors import AbsentError, UnavailableError
from exchange.store.embedded.server import Server
from exchange.store.work import Database
from tests.support import postgres


@pytest.fixture
def database(durable_server: Server) -> Database:
    """A pool of one connection."""
    made = Database(
        durable_server.url,
        connections_max=1,
        wait_seconds=1,
        statement_ms_max=5_000,
        lock_wait_ms_max=2_000,
    )
    made.open()
    return made


def test_a_statement_on_a_dead_server_is_an_outage(
    durable_server: Server, database: Database
) -> None:
    """A member that is told of a fault of ours does not try again; one told of an outage does."""

    def ask() -> None:
        with database.begin() as work:
            work.members.find("member-a")
            postgres.kill(durable_server)
            work.members.find("member-a")

    with closing(database), pytest.raises(UnavailableError):
        ask()


def test_a_refusal_stands_though_the_server_dies_before_it_is_undone(
    durable_server: Server, database: Database
) -> None:
    """What the request found out is its answer; undoing nothing must not turn it into a fault."""

    def refuse() -> None:
        with database.begin() as work:
            work.members.find("member-a")
            postgres.kill(durable_server)
            raise AbsentError

    with closing(database), pytest.raises(AbsentError):
        refuse()
