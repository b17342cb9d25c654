"""Read row lines of either dialect, block by block."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, NoReturn

from exchange.domain.batches.csv_cells import json_cell_by_cell
from exchange.domain.batches.forms import refuse_line
from exchange.domain.batches.lines import Dialect, RowBlock
from exchange.domain.batches.plain_csv import json_of_plain
from exchange.domain.rows import AnyRow, Flaw, read_lines, read_row
from exchange.errors import FormError

_LINES_AT_ONCE = 256  # what they are cut into stays in the processor's cache


class ReadBlock(NamedTuple):
    """Rows that follow each other as they were read: each a row, or the flaws of its form."""

    first: int  # line number of the first one
    rows: Sequence[AnyRow | list[Flaw]]


def json_lines(block: RowBlock, dialect: Dialect) -> Sequence[bytes]:
    """Return the JSON of each line.

    Raises:
        InvalidBatch: a line is none of its dialect.
    """
    if dialect is Dialect.NDJSON:
        return block.lines
    cuts = range(0, len(block.lines), _LINES_AT_ONCE)
    plain = [made for at in cuts for made in json_of_plain(block.lines[at : at + _LINES_AT_ONCE])]
    return [
        made or _by_cells(line, number)
        for number, (made, line) in enumerate(zip(plain, block.lines, strict=True), block.first)
    ]


def _by_cells(line: bytes, number: int) -> bytes:
    try:
        return json_cell_by_cell(line)
    except FormError as error:
        refuse_line(number, str(error))


def read_rows(lines: Sequence[bytes], first: int) -> ReadBlock:
    """Read the JSON of lines.

    Args:
        first: line number of the first one.

    Raises:
        InvalidBatch: a line is not one JSON object.
    """
    try:
        return ReadBlock(first, read_lines(lines))
    except FormError:
        _refuse_one(lines, first)


def _refuse_one(lines: Sequence[bytes], first: int) -> NoReturn:
    """Refuse the file for the first of these lines that is no JSON object."""
    for number, line in enumerate(lines, first):
        try:
            read_row(line)
        except FormError as error:
            refuse_line(number, str(error))
    raise AssertionError("one of them was refused")
