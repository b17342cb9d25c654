"""Read a CSV line as the JSON object that says the same.

In:  one line of the documented dialect: RFC 4180, comma, double quotes, no line break in a cell.
Out: the text of one JSON object, which the one reader of rows then reads: a cell that is not what
     its column wants becomes a value of the wrong type, and gets the fault of that type.
An empty cell is an absent field.

Two writers, one text. A plain line - nothing in it to escape, at most one cell in quotes - is put
into a template of its own, made once for each set of columns that a file leaves empty. Every other
line is written cell by cell.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import itemgetter

import msgspec

from exchange.errors import FormError

_TEXT, _INTEGER, _JSON, _TOKEN = range(4)
_KINDS = {
    "op": _TEXT,
    "account_ref": _TEXT,
    "id_token_1": _TOKEN,
    "id_token_2": _TOKEN,
    "id_token_3": _TOKEN,
    "contact_token": _TOKEN,
    "role": _TEXT,
    "product": _TEXT,
    "as_of": _TEXT,
    "opened_on": _TEXT,
    "closed_on": _TEXT,
    "oldest_unpaid_due_on": _TEXT,
    "first_overdue_on": _TEXT,
    "currency": _TEXT,
    "principal_minor": _INTEGER,
    "balance_minor": _INTEGER,
    "overdue_minor": _INTEGER,
    "dpd": _INTEGER,
    "bucket": _INTEGER,
    "status": _TEXT,
    "status_on": _TEXT,
    "five_class": _INTEGER,
    "history": _TEXT,
    "pauses": _JSON,
    "grant": _TEXT,
    "basis": _TEXT,
    "notice": _JSON,
    "reason": _TEXT,
    "previous_ref": _TEXT,
    "transfer_id": _TEXT,
}
COLUMNS = tuple(_KINDS)
COLUMNS_LINE = ",".join(COLUMNS).encode()
_FIELDS = tuple((f'"{name}":', kind) for name, kind in _KINDS.items())
_TOKENS = (
    *((COLUMNS.index(f"id_token_{n}"), "identity") for n in (1, 2, 3)),
    (COLUMNS.index("contact_token"), "contact"),
)
_RFC4180 = re.compile(r'(?:"(?:[^"]|"")*"|[^",]*)(?:,(?:"(?:[^"]|"")*"|[^",]*))*')
_INTEGER_FORM = re.compile(r"-?(?:0|[1-9][0-9]*)")
_ESCAPED = re.compile(r'[\x00-\x1f"\\]')
_RAW = msgspec.json.Decoder(msgspec.Raw)
_NOT_PLAIN = bytes(range(0x20)) + b"\\"
_INTEGERS = tuple(n for n, kind in enumerate(_KINDS.values()) if kind is _INTEGER)
_INTEGER_CELLS = itemgetter(*_INTEGERS)
_PLAIN_INTEGERS = re.compile(r"(?:(?:0|[1-9][0-9]*)?,)+")
_JSON_COLUMNS = tuple(n for n, kind in enumerate(_KINDS.values()) if kind is _JSON)


def json_of_cells(line: bytes) -> bytes:
    """Write a CSV line as a JSON object.

    Raises:
        FormError: it is not a line of the dialect, or has another number of cells than columns.
    """
    return json_of_plain(line) or json_cell_by_cell(line)


def json_of_plain(line: bytes) -> bytes | None:
    """Write a plain CSV line as a JSON object, the same as `json_cell_by_cell` does.

    None says nothing about the line.
    """
    if len(line.translate(None, _NOT_PLAIN)) < len(line):
        return None
    try:
        text = line.decode()
    except UnicodeDecodeError:
        return None
    cells = _few_quotes(text) if '"' in text else text.split(",")
    if cells is None or len(cells) != len(_FIELDS):
        return None
    if not _PLAIN_INTEGERS.fullmatch(",".join(_INTEGER_CELLS(cells)) + ","):
        return None
    for column in _JSON_COLUMNS:
        if (cell := cells[column]) and not _is_json(cell):
            return None
    written = _template(bytes(map(bool, cells)))
    if written is None:
        return None
    of, form = written
    return (form % of(cells)).encode()


def _few_quotes(text: str) -> list[str] | None:
    """Return the cells of a line with one quoted cell, and that one of JSON; None for others."""
    before, _, rest = text.partition('"')
    quoted, end, after = rest.rpartition('"')
    if not end or before[-1:] not in ("", ",") or after[:1] not in ("", ","):
        return None
    if quoted.count('"') != 2 * quoted.count('""'):
        return None  # It ends earlier: there are more of them.
    cells = before[:-1].split(",") if before else []
    if len(cells) not in _JSON_COLUMNS:
        return None
    cells.append(quoted.replace('""', '"'))
    return cells + after[1:].split(",") if after else cells


@lru_cache(maxsize=1024)
def _template(present: bytes) -> tuple[Callable[[Sequence[str]], object], str] | None:
    """Return what picks the cells that are not empty, and the text to put them into.

    Args:
        present: 1 for each column that is not empty, else 0.
    """
    places = [n for n, (_, kind) in enumerate(_FIELDS) if present[n] and kind is not _TOKEN]
    members = [_FIELDS[n][0] + ('"%s"' if _FIELDS[n][1] is _TEXT else "%s") for n in places]
    tokens = [(n, kind) for n, kind in _TOKENS if present[n]]
    if tokens:
        each = ",".join(f'{{"kind":"{kind}","value":"%s"}}' for _, kind in tokens)
        members.append(f'"tokens":[{each}]')
    places += [n for n, _ in tokens]
    if len(places) < 2:  # Of one place alone itemgetter makes no tuple.
        return None
    return itemgetter(*places), f"{{{','.join(members)}}}"


def json_cell_by_cell(line: bytes) -> bytes:
    """Write a CSV line as a JSON object, whatever its cells hold.

    Raises:
        FormError: it is not a line of the dialect, or has another number of cells than columns.
    """
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        raise FormError("must be UTF-8") from error
    cells = _cells(text)
    if len(cells) != len(_FIELDS):
        raise FormError(f"must have {len(_FIELDS)} cells")
    members = [
        name + _WRITERS[kind](cell)
        for (name, kind), cell in zip(_FIELDS, cells, strict=True)
        if cell and kind is not _TOKEN
    ]
    if tokens := _tokens(cells):
        members.append(f'"tokens":[{tokens}]')
    return f"{{{','.join(members)}}}".encode()


def _tokens(cells: list[str]) -> str:
    return ",".join(
        f'{{"kind":"{kind}","value":{_text(cells[place])}}}'
        for place, kind in _TOKENS
        if cells[place]
    )


def _cells(text: str) -> list[str]:
    if "\0" in text:
        raise FormError("must not hold NUL")
    if '"' not in text:
        return text.split(",")
    if not _RFC4180.fullmatch(text):
        raise FormError("must quote its cells as RFC 4180 does")
    return next(csv.reader([text], strict=True))


def _text(cell: str) -> str:
    return json.dumps(cell, ensure_ascii=False) if _ESCAPED.search(cell) else f'"{cell}"'


def _integer(cell: str) -> str:
    return cell if _INTEGER_FORM.fullmatch(cell) else _text(cell)


def _json(cell: str) -> str:
    """Return a cell that holds exactly one JSON value; any other as text, which no column takes."""
    return cell if _is_json(cell) else json.dumps(cell, ensure_ascii=False)


def _is_json(cell: str) -> bool:
    try:
        _RAW.decode(cell)
    except msgspec.DecodeError:
        return False
    return True


_WRITERS = {_TEXT: _text, _INTEGER: _integer, _JSON: _json}
