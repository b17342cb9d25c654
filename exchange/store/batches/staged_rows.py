"""The table of staged rows, and a row of it as COPY takes it.

Rows come by the million, so their binary form is put together here at once: the driver's own way,
value by value, costs more than judging the row. Source: PostgreSQL, COPY, "Binary Format"; the
forms of the types are those of their send and recv functions.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from functools import lru_cache

from exchange.services.batches.ports import Action, StagedNote, StagedRow, StagedVersion
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
_WRAPPED_BYTES = 60
_POSTGRES_EPOCH_DAYS = 10_957  # from 1970-01-01 to 2000-01-01

_LENGTH = struct.Struct("!i")
_HEAD = struct.Struct("!hi i ih i? i? i? i")  # ends with the length of account_ref
_PLACE = struct.Struct("!i16s ii")  # record_id, version
# previous_ref to overdue, of a version with one identity token, under the number it always had.
_PLAIN = struct.Struct("!16s i16s ii i32s 8s i16s i? i?")
_STATE = struct.Struct("!i? i?")  # open, overdue
_DAY = struct.Struct("!ii")
_WRAPPED = struct.Struct("!i60s i")  # ends with the length of what is sealed


def packed(parts: Iterable[Iterable[StagedRow]]) -> Iterator[bytes]:
    """Yield rows as the whole of one binary COPY, part by part."""
    yield _START
    for rows in parts:
        yield b"".join(map(_packed, rows))
    yield _END


def _packed(row: StagedRow) -> bytes:
    return _version(row, row.stored) if isinstance(row, StagedVersion) else _note(row)


def _version(row: StagedVersion, stored: NewVersion) -> bytes:
    ref, sealed, purge_day = stored.account_ref.encode(), stored.sealed, stored.purge_day
    warned, amended, deleted = row.warned, row.amended, stored.suppressed
    store = Action.STORE
    # A value follows its length in bytes. Each is an argument: unpacked tuples cost twice as much.
    return b"".join(
        (
            _HEAD.pack(
                _COLUMNS, 4, row.line, 2, store, 1, warned, 1, amended, 1, deleted, len(ref)
            ),
            ref,
            _subject(row, stored),
            _name(stored.epoch),
            _NULL if purge_day is None else _DAY.pack(4, purge_day - _POSTGRES_EPOCH_DAYS),
            _name(stored.kek_id),
            _WRAPPED.pack(_WRAPPED_BYTES, stored.wrapped, len(sealed)),
            sealed,
        )
    )


def _subject(row: StagedVersion, stored: NewVersion) -> bytes:
    record_id, version, indices = stored.record_id, stored.version, stored.indices
    grant_id, is_open, late = stored.grant_id, stored.open, stored.overdue
    if len(indices) == 1 and grant_id and stored.previous_ref is None and row.left is None:
        one, no = indices[0], _NO_OTHER_INDEX
        # fmt: off
        return _PLAIN.pack(
            _NOT_BEFORE, 16, record_id, 4, version, 32, one, no, 16, grant_id, 1, is_open, 1, late
        )
        # fmt: on
    return b"".join(
        (
            _text(stored.previous_ref),
            _left(row.left),
            _PLACE.pack(16, record_id, 4, version),
            _named(indices, grant_id),
            _STATE.pack(1, is_open, 1, late),
        )
    )


def _left(left: tuple[str, bytes, int] | None) -> bytes:
    if left is None:
        return _NULL * 3
    ref, record_id, version = left
    return _text(ref) + _PLACE.pack(16, record_id, 4, version)


def _note(row: StagedNote) -> bytes:
    ref, record_id = row.account_ref.encode(), row.record_id
    return b"".join(
        (
            _HEAD.pack(
                _COLUMNS, 4, row.line, 2, row.action, 1, row.warned, 1, False, 1, False, len(ref)
            ),
            ref,
            _text(row.previous_ref),
            _left(None),
            _NULL * 2 if record_id is None else _PLACE.pack(16, record_id, 4, row.version),
            _named(row.indices, row.grant_id),
            _NOT_STORED,
        )
    )


def _named(indices: tuple[bytes, ...], grant_id: bytes | None) -> bytes:
    """Return the three indices and the grant."""
    return b"".join(map(_bytes, (*(*indices, None, None, None)[:3], grant_id)))


def _bytes(value: bytes | None) -> bytes:
    return _NULL if value is None else _LENGTH.pack(len(value)) + value


@lru_cache(maxsize=64)  # epochs and KEKs, of which a file has one each
def _name(value: str) -> bytes:
    return _bytes(value.encode())


def _text(value: str | None) -> bytes:
    return _bytes(None if value is None else value.encode())
