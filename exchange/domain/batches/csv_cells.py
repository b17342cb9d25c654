"""Read a CSV line as the JSON object that says the same.

In:  one line of the documented dialect: RFC 4180, comma, double quotes, no line break in a cell.
Out: the text of one JSON object, which the one reader of rows then reads: a cell that is not what
     its column wants becomes a value of the wrong type, and gets the fault of that type.
An empty cell is an absent field.
"""

from __future__ import annotations

import csv
import json
import re

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


def json_of_cells(line: bytes) -> bytes:
    """Write a CSV line as a JSON object.

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
    try:
        _RAW.decode(cell)
    except msgspec.DecodeError:
        return json.dumps(cell, ensure_ascii=False)
    return cell


_WRITERS = {_TEXT: _text, _INTEGER: _integer, _JSON: _json}
