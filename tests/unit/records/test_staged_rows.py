"""Rows as COPY takes them: what the server would read, by the published form alone."""

from __future__ import annotations

import struct
from itertools import chain
from typing import TypeAlias

import pytest
from msgspec.structs import replace

from exchange.services.batches.ports import Action, StagedNote, StagedRow, StagedVersion
from exchange.services.records.ports import NewVersion
from exchange.store.batches.staged_rows import packed

ID, OTHER_ID, GRANT = b"i" * 16, b"j" * 16, b"g" * 16
ONE, TWO = b"1" * 32, b"2" * 32
DAY = 10_958  # 2000-01-02
PLAIN = NewVersion(
    account_ref="acc-é",
    previous_ref=None,
    record_id=ID,
    version=1,
    epoch="ep_1",
    indices=(ONE,),
    open=True,
    overdue=False,
    disputed=False,
    suppressed=False,
    grant_id=GRANT,
    purge_day=None,
    kek_id="kek-1",
    wrapped=b"w" * 60,
    sealed=b"s" * 284,
)
TRUE, FALSE, NONE = b"\1", b"\0", None
_REF, _SEALED = "acc-é".encode(), (b"kek-1", b"w" * 60, b"s" * 284)


def int4(value: int) -> bytes:
    return value.to_bytes(4, "big")


def marks(action: int, warned: bytes, amended: bytes, deleted: bytes) -> tuple[bytes, ...]:
    return int4(7), action.to_bytes(2, "big"), warned, amended, deleted


STORED = marks(Action.STORE, FALSE, FALSE, FALSE)
NOT_BEFORE = (NONE,) * 4
Columns: TypeAlias = tuple[bytes | None, ...]
CASES: dict[str, tuple[StagedRow, tuple[Columns, ...]]] = {
    "plain": (
        StagedVersion(7, False, False, None, PLAIN),
        (
            (*STORED, _REF, *NOT_BEFORE, ID, int4(1), ONE, NONE, NONE, GRANT),
            (TRUE, FALSE, b"ep_1", NONE, *_SEALED),
        ),
    ),
    "without a grant, to be purged, warned, amended": (
        StagedVersion(7, True, True, None, replace(PLAIN, grant_id=None, purge_day=DAY)),
        (
            (*marks(Action.STORE, TRUE, TRUE, FALSE), _REF, *NOT_BEFORE, ID, int4(1), ONE),
            (NONE, NONE, NONE, TRUE, FALSE, b"ep_1", int4(1), *_SEALED),
        ),
    ),
    "two tokens, overdue": (
        StagedVersion(7, False, False, None, replace(PLAIN, indices=(ONE, TWO), overdue=True)),
        (
            (*STORED, _REF, *NOT_BEFORE, ID, int4(1), ONE, TWO, NONE, GRANT),
            (TRUE, TRUE, b"ep_1", NONE, *_SEALED),
        ),
    ),
    "renumbered": (
        StagedVersion(
            7, False, False, ("old", OTHER_ID, 3), replace(PLAIN, previous_ref="old", version=4)
        ),
        (
            (*STORED, _REF, b"old", b"old", OTHER_ID, int4(3), ID, int4(4), ONE, NONE, NONE, GRANT),
            (TRUE, FALSE, b"ep_1", NONE, *_SEALED),
        ),
    ),
    "told anew under its number": (
        StagedVersion(7, False, False, ("acc-é", OTHER_ID, 3), PLAIN),
        (
            (*STORED, _REF, NONE, _REF, OTHER_ID, int4(3), ID, int4(1), ONE, NONE, NONE, GRANT),
            (TRUE, FALSE, b"ep_1", NONE, *_SEALED),
        ),
    ),
    "deleted": (
        StagedVersion(7, False, False, None, replace(PLAIN, suppressed=True, open=False)),
        (
            (*marks(Action.STORE, FALSE, FALSE, TRUE), _REF, *NOT_BEFORE, ID, int4(1), ONE),
            (NONE, NONE, GRANT, FALSE, FALSE, b"ep_1", NONE, *_SEALED),
        ),
    ),
    "refused": (
        StagedNote(7, Action.REFUSE, False, "a", "b", None, None, (), None),
        ((*marks(Action.REFUSE, FALSE, FALSE, FALSE), b"a", b"b", *(NONE,) * 16),),
    ),
    "confirmed": (
        StagedNote(7, Action.CONFIRM, True, "a", None, ID, 2, (ONE,), GRANT),
        (
            (*marks(Action.CONFIRM, TRUE, FALSE, FALSE), b"a", *NOT_BEFORE, ID, int4(2), ONE),
            (NONE, NONE, GRANT, *(NONE,) * 7),
        ),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_row_is_packed_column_by_column(case: str) -> None:
    """A value in the column beside its own would be stored as somebody else's."""
    row, columns = CASES[case]

    copied = b"".join(packed([[row], [], [row]]))

    start, end = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"
    each = _packed(list(chain(*columns)))
    assert start + each + each + end == copied


def _packed(columns: list[bytes | None]) -> bytes:
    values = [
        b"\xff\xff\xff\xff" if value is None else struct.pack("!i", len(value)) + value
        for value in columns
    ]
    assert 23 == len(values)
    return struct.pack("!h", len(values)) + b"".join(values)
