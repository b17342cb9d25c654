"""Write plain CSV lines as JSON objects, many at once: column by column, and then in one piece.

In:  lines of which most have nothing to escape and at most one cell in quotes.
Out: of each, the very text that `json_cell_by_cell` makes of it, or nothing: then that is asked.
A line alone takes some 30 steps; here each step is one call for all lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import chain, compress, repeat
from operator import and_
from typing import NamedTuple

from exchange.domain.batches.csv_cells import (
    FIELDS,
    INTEGER,
    JSON,
    TEXT,
    TOKEN,
    TOKENS,
    is_json,
)

_NOT_PLAIN = bytes(range(0x20)) + b"\\"
_PLAIN_INTEGER = re.compile(rb"(?:0|[1-9][0-9]*)?")
_PADDED_INTEGER = re.compile(rb",0[0-9]")
_INTEGERS = [n for n, (_, kind) in enumerate(FIELDS) if kind is INTEGER]
_JSON_COLUMNS = [n for n, (_, kind) in enumerate(FIELDS) if kind is JSON]
_FIRST_TOKEN = TOKENS[0][0]
_BETWEEN, _WIDTH = b"\n", len(FIELDS) + 1  # of a row's cells, and one that stands between rows
_BLANK = b"," * (len(FIELDS) - 1)  # a row without an op


class _Member(NamedTuple):
    """A column as a member of a row's object, or as a token in its array: what stands around it."""

    column: int
    before: bytes
    after: bytes


def _members() -> list[_Member]:
    made = []
    for n, (name, kind) in enumerate(FIELDS):
        quote = b'"' if kind is TEXT else b""
        if kind is not TOKEN:
            made.append(_Member(n, (b"," if n else b"{") + name.encode() + quote, quote))
    for n, of_kind in TOKENS:
        opens = ',"tokens":[' if n == _FIRST_TOKEN else ","
        made.append(_Member(n, f'{opens}{{"kind":"{of_kind}","value":"'.encode(), b'"}'))
    return made


_MEMBERS = _members()


def json_of_plain(lines: Sequence[bytes]) -> list[bytes | None]:
    """Write plain lines as JSON objects.

    None says nothing about a line.
    """
    columns = _columns(lines)
    good = _good(columns)
    if all(good):
        return [*_written(columns)]
    written = iter(_written([list(compress(column, good)) for column in columns]))
    return [next(written) if one else None for one in good]


def _columns(lines: Sequence[bytes]) -> list[list[bytes]]:
    """Cut lines at their commas, into columns; a line that this is wrong for becomes blank."""
    rows, aside = list(lines), []
    for place in [n for n, line in enumerate(lines) if b'"' in line]:
        column, cell, rows[place] = _unquoted(lines[place])
        aside.append((place, column, cell))
    if not _is_plain(b"".join(lines)):
        rows = [row if _is_plain(line) else _BLANK for row, line in zip(rows, lines, strict=True)]
    cells = _cells(rows)
    between = [_BETWEEN] * (len(rows) - 1)
    if len(cells) != _WIDTH * len(rows) - 1 or cells[_WIDTH - 1 :: _WIDTH] != between:
        cells = _cells([row if row.count(b",") == len(FIELDS) - 1 else _BLANK for row in rows])
    columns = [cells[n::_WIDTH] for n in range(len(FIELDS))]
    for place, column, cell in aside:
        columns[column][place] = cell
    return columns


def _cells(rows: Sequence[bytes]) -> list[bytes]:
    """Cut rows at their commas; between two rows stands one cell more, and so in its place."""
    return (b"," + _BETWEEN + b",").join(rows).split(b",")


def _is_plain(content: bytes) -> bool:
    """Tell whether this is text with nothing in it to escape, quotes aside."""
    if len(content.translate(None, _NOT_PLAIN)) < len(content):
        return False
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _unquoted(line: bytes) -> tuple[int, bytes, bytes]:
    """Take a line's one cell in quotes out: its column, itself, and the line without it.

    The line is blank where there are more of them, or where it is not in a column of JSON.
    """
    before, _, rest = line.partition(b'"')
    quoted, end, after = rest.rpartition(b'"')
    column, cell = before.count(b","), quoted.replace(b'""', b'"')
    whole = end and before.endswith(b",") and after[:1] in (b"", b",")
    # Only if each quote in it is doubled is it one cell.
    if whole and column in _JSON_COLUMNS and quoted.count(b'"') == 2 * (len(quoted) - len(cell)):
        return column, cell, before + after
    return 0, b"", _BLANK


def _good(columns: Sequence[Sequence[bytes]]) -> list[bool]:
    """Tell of each row whether it has an op and a first token, and integers and JSON are such."""
    good = [bool(op and token) for op, token in zip(columns[0], columns[_FIRST_TOKEN], strict=True)]
    for column in (columns[n] for n in _INTEGERS):
        if not _are_integers(column):
            good = list(map(and_, good, map(bool, map(_PLAIN_INTEGER.fullmatch, column))))
    for column in (columns[n] for n in _JSON_COLUMNS):
        if any(column):
            good = list(map(and_, good, [not cell or is_json(cell) for cell in column]))
    return good


def _are_integers(cells: Sequence[bytes]) -> bool:
    """Tell whether each of these cells is empty or a plain integer."""
    listed = b",".join(cells)
    digits = listed.replace(b",", b"") or b"0"
    return digits.isdigit() and not _PADDED_INTEGER.search(b"," + listed)


def _written(columns: Sequence[Sequence[bytes]]) -> list[bytes]:
    """Write good rows. A cell that only some of them have brings its name with it."""
    rows = len(columns[0])
    pieces: list[Iterable[bytes]] = []
    between = b""
    for n, before, after in _MEMBERS:
        column = columns[n]
        if all(column):
            pieces += [repeat(between + before, rows), column]
            between = after
        elif any(column):
            some = [before + cell + after if cell else b"" for cell in column]
            pieces += [repeat(between, rows), some]
            between = b""
    pieces.append(repeat(between + b"]}\n", rows))
    content = b"".join(chain.from_iterable(zip(*pieces, strict=True)))
    return content.split(b"\n")[:-1]
