"""Read a CSV line as the JSON object that says the same.

In:  one line of the documented dialect: RFC 4180, comma, double quotes, no line break in a cell.
Out: the text of one JSON object, which the one reader of rows then reads: a cell that is not what
     its column wants becomes a value of the wrong type, and gets the fault of that type.
An empty cell is an absent field.

Most lines are plain and written many at once (plain_csv.py); this writes any line, cell by cell.
"""

from __future__ import annotations

import csv
import json
import re

import msgspec

from exchange.errors import FormError

TEXT, INTEGER, JSON, TOKEN = range(4)  # what a column holds
_KINDS = {
    "op": TEXT,
    "account_ref": TEXT,
    "id_token_1": TOKEN,
    "id_token_2": TOKEN,
    "id_token_3": TOKEN,
    "contact_token": TOKEN,
    "role": TEXT,
    "product": TEXT,
    "as_of": TEXT,
    "opened_on": TEXT,
    "closed_on": TEXT,
    "oldest_unpaid_due_on": TEXT,
    "first_overdue_on": TEXT,
    "currency": TEXT,
    "principal_minor": INTEGER,
    "balance_minor": INTEGER,
    "overdue_minor": INTEGER,
    "dpd": INTEGER,
    "bucket": INTEGER,
    "status": TEXT,
    "status_on": TEXT,
    "five_class": INTEGER,
    "history": TEXT,
    "pauses": JSON,
    "grant": TEXT,
    "basis": TEXT,
    "notice": JSON,
    "reason": TEXT,
    "previous_ref": TEXT,
    "transfer_id": TEXT,
}
COLUMNS = tuple(_KINDS)
COLUMNS_LINE = ",".join(COLUMNS).encode()
FIELDS = tuple((f'"{name}":', kind) for name, kind in _KINDS.items())
TOKENS = (
    *((COLUMNS.index(f"id_token_{n}"), "identity") for n in (1, 2, 3)),
    (COLUMNS.index("contact_token"), "contact"),
)
_RFC4180 = re.compile(r'(?:"(?:[^"]|"")*"|[^",]*)(?:,(?:"(?:[^"]|"")*"|[^",]*))*')
_INTEGER_FORM = re.compile(r"-?(?:0|[1-9][0-9]*)")
_ESCAPED = re.compile(r'[\x00-\x1f"\\]')
_RAW = msgspec.json.Decoder(msgspec.Raw)


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
    if len(cells) != len(FIELDS):
        raise FormError(f"must have {len(FIELDS)} cells")
    members = [
        name + _WRITERS[kind](cell)
        for (name, kind), cell in zip(FIELDS, cells, strict=True)
        if cell and kind is not TOKEN
    ]
    if tokens := _tokens(cells):
        members.append(f'"tokens":[{tokens}]')
    return f"{{{','.join(members)}}}".encode()


def _tokens(cells: list[str]) -> str:
    return ",".join(
        f'{{"kind":"{kind}","value":{_text(cells[place])}}}'
        for place, kind in TOKENS
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
    return cell if is_json(cell) else json.dumps(cell, ensure_ascii=False)


def is_json(cell: str | bytes) -> bool:
    """Tell whether a cell holds exactly one JSON value."""
    try:
        _RAW.decode(cell)
    except msgspec.DecodeError:
        return False
    return True


_WRITERS = {TEXT: _text, INTEGER: _integer, JSON: _json}
