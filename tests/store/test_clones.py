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


def test_a_database_is_handed_on_with_nothing_that_a_test_wrote(postgres_server: Server) -> None:
    """It is emptied and not made anew: what stayed would be another test's luck."""
    left = "SELECT (SELECT count(*) FROM leaf_place), (SELECT count(*) FROM loan_scan)"
    with postgres.clone(postgres_server) as first, psycopg.connect(first) as connection:
        before = connection.execute(left).fetchone()
        connection.execute("INSERT INTO leaf_place (ord, log_id, leaf_index) VALUES (1, 1, 1)")
        connection.execute("DELETE FROM loan_scan")
        assert (1,) == connection.execute("SELECT nextval('leaf_ord_seq')").fetchone()
        connection.commit()
        forgotten = psycopg.connect(first)  # by a thread that goes on

        with postgres.clone(postgres_server) as other:  # While the first is in use.
            assert first != other
    with postgres.clone(postgres_server) as again, psycopg.connect(again) as connection:
        assert (first, (0, 1)) == (again, before)
        assert before == connection.execute(left).fetchone()
        assert (1,) == connection.execute("SELECT nextval('leaf_ord_seq')").fetchone()
        with pytest.raises(psycopg.OperationalError), forgotten:
            forgotten.execute("SELECT 1")


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE leaf ENABLE ROW LEVEL SECURITY",
        "DROP INDEX leaf_by_ord",
        "GRANT ALL ON leaf TO cx_api",
        "ALTER TABLE member ALTER COLUMN name DROP NOT NULL",
        "ANALYZE notice",
        "CREATE OR REPLACE FUNCTION cx_more() RETURNS int LANGUAGE sql RETURN 1",
    ],
)
def test_whoever_changes_more_than_rows_uses_a_database_up(
    postgres_server: Server, change: str
) -> None:
    """An index that one test dropped is missed by the next one, on another machine."""
    with postgres.clone(postgres_server) as first, psycopg.connect(first) as connection:
        connection.execute(change)
    with postgres.clone(postgres_server) as second:
        assert first != second


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
