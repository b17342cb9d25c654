"""Rows that are copied column by column: the server reads what was meant."""

from __future__ import annotations

from contextlib import closing
from uuid import UUID

import pytest
from psycopg.errors import BadCopyFileFormat, UndefinedTable, UniqueViolation

from exchange.store.driver.columns import (
    Column,
    blobs,
    copy_columns,
    same_int4,
    same_int8,
    same_text,
    texts,
    uuids,
)
from exchange.store.driver.trips import TripConnection

TABLE = """CREATE TEMP TABLE told (
    word text, code bytea, id uuid PRIMARY KEY, small int, large bigint, all_say text)"""
COPY = "COPY told FROM STDIN (FORMAT BINARY)"
IDS = [UUID(int=number << 90 | number) for number in (1, 2, 3)]
WORDS, CODES = ["", "借款人", "x" * 100_000], [b"\0", b"", b"\xff\n" * 500_000]


def columns(ids: list[UUID]) -> list[Column]:
    """Return three rows in columns of every kind; together more than a socket holds at once."""
    shared = (same_int4(-7), same_int8(1 << 40), same_text("每行"))
    return [texts(WORDS), blobs(CODES), uuids(ids), *shared]


def test_copied_columns_arrive_as_rows(database_url: str) -> None:
    """A leaf stored with another row's opening could never be proven."""
    with closing(TripConnection.connect(database_url)) as connection:
        connection.execute(TABLE)

        copy_columns(connection, COPY, columns(IDS))

        stored = connection.execute("SELECT * FROM told ORDER BY id").fetchall()
    rows = zip(WORDS, CODES, IDS, strict=True)
    assert [(*row, -7, 1 << 40, "每行") for row in rows] == stored


def test_a_copy_that_is_refused_leaves_the_connection_of_use(database_url: str) -> None:
    """An id stored meanwhile is a conflict; the next query on this connection must not hang."""
    refused = (
        (UniqueViolation, COPY, columns([IDS[0], IDS[0], IDS[1]])),
        (BadCopyFileFormat, COPY, columns(IDS)[:3]),
        (UndefinedTable, "COPY nowhere FROM STDIN (FORMAT BINARY)", columns(IDS)),
    )
    with closing(TripConnection.connect(database_url)) as connection:
        connection.execute(TABLE)
        connection.commit()
        for error, command, rows in refused:
            with pytest.raises(error):
                copy_columns(connection, command, rows)
            connection.rollback()

            copy_columns(connection, COPY, columns(IDS))

            assert [(3,)] == connection.execute("SELECT count(*) FROM told").fetchall()
            connection.rollback()
