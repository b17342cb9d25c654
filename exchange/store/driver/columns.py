"""Rows by binary COPY, written column by column: what many rows share is encoded once.

In:  the columns of a table, each as the pieces that its fields are made of.
Out: the rows at the server, in the transaction that is open.
The driver's own writer takes a call and a type look-up for each value; here a row is one join of
pieces that are there already. Source: PostgreSQL, COPY, "Binary Format".
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from itertools import chain, repeat
from typing import TypeAlias
from uuid import UUID

from exchange.store.driver.trips import TripConnection

_HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)  # signature, no flags, no extension
_END = struct.pack("!h", -1)
_LENGTH = struct.Struct("!i").pack
_INT8 = struct.Struct("!iq").pack
_INT4 = struct.Struct("!ii").pack
_UUID_LENGTH = _LENGTH(16)

Column: TypeAlias = tuple[Iterable[bytes], ...]  # each gives one piece for every row


def texts(values: Iterable[str]) -> Column:
    """Return a column of texts that differ."""
    return blobs([value.encode() for value in values])


def blobs(values: Sequence[bytes]) -> Column:
    """Return a column of bytes that differ."""
    return map(_LENGTH, map(len, values)), values


def uuids(values: Iterable[UUID]) -> Column:
    """Return a column of UUIDs."""
    return repeat(_UUID_LENGTH), [value.bytes for value in values]


def same_text(value: str) -> Column:
    """Return a column in which every row holds this text."""
    encoded = value.encode()
    return (repeat(_LENGTH(len(encoded)) + encoded),)


def same_int8(value: int) -> Column:
    """Return a column in which every row holds this bigint."""
    return (repeat(_INT8(8, value)),)


def same_int4(value: int) -> Column:
    """Return a column in which every row holds this integer."""
    return (repeat(_INT4(4, value)),)


def copy_columns(connection: TripConnection, command: str, columns: Sequence[Column]) -> None:
    """Send columns of equal length by binary COPY; one of them at least is not of one value."""
    fields = repeat(struct.pack("!h", len(columns)))
    rows = zip(fields, *chain.from_iterable(columns), strict=False)  # A shared value has no end.
    body = b"".join(chain((_HEAD,), chain.from_iterable(rows), (_END,)))
    connection.copy_in(command.encode(), body)
