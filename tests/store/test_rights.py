"""What each database role may do: what serves traffic changes nothing that was logged."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import sql

from exchange.store.rights import API, ROLES, SEQUENCER, WORKER, grant_rights, url_as
from exchange.store.schema import metadata

LOGGED = ("leaf", "opening", "tile", "checkpoint", "leaf_place", "log_search", "query", "report")
ENTRANCES = (
    *("member", "member_key", "member_proposal", "operator_key", "notice_approval"),
    "profile_in_force",
    "seat",
)
SPOILING = {  # each would change a row, if there were one and it were allowed
    "UPDATE": "UPDATE {table} SET {column} = {column}",
    "DELETE": "DELETE FROM {table}",
    "TRUNCATE": "TRUNCATE {table} CASCADE",
}
ALLOWED = {  # log.md, 5 and 15: erasure forgets where to look, a tile grows until it is full
    (WORKER, "log_search", "DELETE"),
    (SEQUENCER, "log_search", "DELETE"),
    (SEQUENCER, "tile", "UPDATE"),
}


def may(url: str, text: str, **names: str) -> bool:
    """Try a statement, undone either way; say whether it was allowed."""
    with psycopg.connect(url) as connection:
        try:
            connection.execute(
                sql.SQL(text).format(**{key: sql.Identifier(one) for key, one in names.items()})
            )
        except psycopg.errors.InsufficientPrivilege:
            return False
        finally:
            connection.rollback()
    return True


@pytest.mark.parametrize("role", ROLES)
def test_no_role_changes_what_was_logged(database_url: str, role: str) -> None:
    """T4: whoever takes over a server must not be able to rewrite who asked."""
    url = url_as(database_url, role)

    allowed = {
        (role, table, verb)
        for table in LOGGED
        for verb, text in SPOILING.items()
        if may(url, text, table=table, column=next(iter(metadata.tables[table].columns)).name)
    }

    assert {one for one in ALLOWED if one[0] == role} == allowed


@pytest.mark.parametrize(
    ("role", "allowed"), [(API, set()), (WORKER, {*ENTRANCES}), (SEQUENCER, set())]
)
def test_whoever_serves_lets_nobody_in(database_url: str, role: str, allowed: set[str]) -> None:
    """T3: a key that a taken server could enrol would be a member's for ever."""
    found = {
        table
        for table in ENTRANCES
        if may(url_as(database_url, role), "INSERT INTO {table} SELECT * FROM {table}", table=table)
    }

    assert allowed == found


@pytest.mark.parametrize("role", ROLES)
def test_no_role_owns_or_makes_anything(database_url: str, role: str) -> None:
    """A role that could make a table or a function could put it before ours."""
    url = url_as(database_url, role)

    assert not may(url, "CREATE TABLE {name} (n int)", name="x")
    assert not may(url, "DROP TABLE {name}", name="leaf")
    assert not may(url, "CREATE ROLE {name}", name="cx_other")
    assert not may(url, "ALTER TABLE {name} DISABLE TRIGGER ALL", name="leaf")


def test_rights_that_grew_are_taken_back(database_url: str) -> None:
    """What somebody granted by hand in a hurry ends with the next migration."""
    with psycopg.connect(database_url) as connection:
        connection.execute(f"GRANT ALL ON leaf TO {API}".encode())
    assert may(url_as(database_url, API), "DELETE FROM {table}", table="leaf")

    grant_rights(database_url)

    assert not may(url_as(database_url, API), "DELETE FROM {table}", table="leaf")
