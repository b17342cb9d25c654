"""The databases that tests get: fresh each time, of the right engine."""

from __future__ import annotations

import psycopg
import pytest

from exchange.store.embedded.server import Launch, Server, start
from tests.support import postgres


@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_gets_a_database_without_rows(database_url: str, turn: int) -> None:
    """A row left by one test would make another pass or fail by luck."""
    with psycopg.connect(database_url) as connection:
        left = connection.execute("SELECT to_regclass('left_behind')").fetchone()
        connection.execute("CREATE TABLE left_behind (turn int)")

    assert (None,) == left


def test_a_killed_server_keeps_what_it_committed(
    durable_server: Server, durable_launch: Launch
) -> None:
    """Fault tests mean nothing on a server that may forget."""
    with psycopg.connect(durable_server.url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
        assert ("on",) == connection.execute("SHOW fsync").fetchone()
    postgres.kill(durable_server)

    again = start(durable_launch)

    with psycopg.connect(again.url) as connection:
        assert (1,) == connection.execute("SELECT one FROM kept").fetchone()
