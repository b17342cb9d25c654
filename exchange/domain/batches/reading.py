"""Read row lines of either dialect, block by block."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, NoReturn

from exchange.domain.batches.csv_cells import json_of_cells
from exchange.domain.batches.forms import refuse_line
from exchange.domain.batches.lines import Dialect, RowBlock
from exchange.domain.rows import AnyRow, Flaw, read_lines, read_row
from exchange.errors import FormError


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
    made = []
    for number, line in enumerate(block.lines, block.first):
        try:
            made.append(json_of_cells(line))
        except FormError as error:
            refuse_line(number, str(error))
    return made


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
