"""The table of staged rows, and a row of it as COPY takes it.

Rows come by the million, so their binary form is put together here at once: the driver's own way,
value by value, costs more than judging the row. Source: PostgreSQL, COPY, "Binary Format"; the
forms of the types are those of their send and recv functions.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from functools import lru_cache

from exchange.services.batches.ports import StagedRow
from exchange.services.records.ports import NewVersion

# In the order of `_packed`; a row that stores nothing ends with nulls.
STAGED = """
CREATE TEMPORARY TABLE IF NOT EXISTS staged (
    line integer NOT NULL, action smallint NOT NULL, warned boolean NOT NULL,
    amended boolean NOT NULL, deleted boolean NOT NULL, account_ref text NOT NULL,
    previous_ref text, left_ref text, left_record uuid, left_version integer,
    record_id uuid, version integer,
    index_1 bytea, index_2 bytea, index_3 bytea, grant_id uuid,
    open boolean, overdue boolean, epoch text, purge_on date, kek_id text, wrapped bytea,
    sealed bytea)
"""
COPY_STAGED = "COPY staged FROM STDIN (FORMAT BINARY)"

_COLUMNS = 23
_NULL = b"\xff\xff\xff\xff"
_NOT_BEFORE, _NO_OTHER_INDEX, _NOT_STORED = _NULL * 4, _NULL * 2, _NULL * 7
_START = b"PGCOPY\n\xff\r\n\0" + bytes(8)  # no flags, no extension
_END = b"\xff\xff"
_POSTGRES_EPOCH_DAYS = 10_957  # from 1970-01-01 to 2000-01-01

_LENGTH = struct.Struct("!i")
_HEAD = struct.Struct("!h ii ih i? i? i? i")  # ends with the length of account_ref
_PLACE = struct.Struct("!i16s ii")  # record_id, version
_ID = _LENGTH.pack(16)
_SUBJECT = struct.Struct("!i16s ii i32s")  # record_id, version, index_1
_STATE = struct.Struct("!i? i?")  # open, overdue
_DAY = struct.Struct("!ii")


def packed(parts: Iterable[Iterable[StagedRow]]) -> Iterator[bytes]:
    """Yield rows as the whole of one binary COPY, part by part."""
    yield _START
    for rows in parts:
        yield b"".join(map(_packed, rows))
    yield _END


def _packed(row: StagedRow) -> bytes:
    ref, stored = row.account_ref.encode(), row.stored
    # A value follows its length in bytes.
    lengths_and_flags = (2, row.action, 1, row.warned, 1, row.amended, 1, row.deleted)
    head = _HEAD.pack(_COLUMNS, 4, row.line, *lengths_and_flags, len(ref))
    before = _NOT_BEFORE if row.previous_ref is None and row.left is None else _before(row)
    if stored is None:
        return b"".join((head, ref, before, *_subject(row), _NOT_STORED))
    return b"".join((head, ref, before, *_subject(row), *_version(stored)))


def _subject(row: StagedRow) -> tuple[bytes, ...]:
    indices, grant_id = row.indices, row.grant_id
    grant = _NULL if grant_id is None else _ID + grant_id
    if row.record_id is not None and len(indices) == 1:
        place = _SUBJECT.pack(16, row.record_id, 4, row.version, 32, indices[0])
        return place, _NO_OTHER_INDEX, grant
    place = _NULL * 2 if row.record_id is None else _PLACE.pack(16, row.record_id, 4, row.version)
    return place, b"".join(map(_bytes, (*indices, None, None, None)[:3])), grant


def _before(row: StagedRow) -> bytes:
    if row.left is None:
        return _text(row.previous_ref) + _NULL * 3
    left_ref, record_id, version = row.left
    return _text(row.previous_ref) + _text(left_ref) + _PLACE.pack(16, record_id, 4, version)


def _version(stored: NewVersion) -> tuple[bytes, ...]:
    purge_day, wrapped, sealed = stored.purge_day, stored.wrapped, stored.sealed
    return (
        _STATE.pack(1, stored.open, 1, stored.overdue),
        _name(stored.epoch),
        _NULL if purge_day is None else _DAY.pack(4, purge_day - _POSTGRES_EPOCH_DAYS),
        _name(stored.kek_id),
        _LENGTH.pack(len(wrapped)),
        wrapped,
        _LENGTH.pack(len(sealed)),
        sealed,
    )


def _bytes(value: bytes | None) -> bytes:
    return _NULL if value is None else _LENGTH.pack(len(value)) + value


@lru_cache(maxsize=64)  # epochs and KEKs, of which a file has one each
def _name(value: str) -> bytes:
    return _bytes(value.encode())


def _text(value: str | None) -> bytes:
    return _bytes(None if value is None else value.encode())
