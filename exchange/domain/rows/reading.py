"""Read one row: from the bytes of a line to a Row or a Deletion, or to what is wrong with it.

In:  the exact bytes of one line, without its line end.
Out: a typed value, or every fault of its form.

Two readers, one form. A line is read fast by msgspec, and taken only if nothing in it can be
ambiguous: no backslash, and exactly as many colons as its members, each name counted once, and
the colons inside their texts account for. A name that stands twice brings a colon too many.
Every other line is read once more, slowly and strictly, and there every fault gets its name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import NoReturn, TypeAlias

import msgspec
from msgspec import UNSET
from msgspec.structs import FieldInfo, fields

from exchange.domain.rows.catalogue import CATALOGUE
from exchange.domain.rows.faults import FAULTS_A_ROW_MAX, Flaw
from exchange.domain.rows.forms import STRICT, Deletion, Row, Submitted
from exchange.domain.rows.texts import texts_fit
from exchange.errors import FormError

AnyRow: TypeAlias = Row | Deletion

SERVER_FIELDS = frozenset(
    name for one in CATALOGUE if one.code == "row.server_field" for name in one.fields
)
_LINE: msgspec.json.Decoder[Row | Deletion] = msgspec.json.Decoder(Row | Deletion)
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])  # a name that stands twice counts once
_SUBMITTED = msgspec.json.Decoder(Submitted)
_DATES = ("as_of", "opened_on", "closed_on", "oldest_unpaid_due_on", "first_overdue_on")
_FORM_CODES = {
    "account_ref": "row.account_ref",
    "previous_ref": "row.account_ref",
    "tokens": "row.token",
    **dict.fromkeys((*_DATES, "status_on"), "row.date"),
    **dict.fromkeys(("role", "product", "status", "five_class", "basis", "reason"), "row.code"),
    "currency": "row.currency",
    **dict.fromkeys(("principal_minor", "balance_minor", "overdue_minor"), "row.amount"),
    "bucket": "row.bucket_mismatch",
    "history": "row.history_form",
    "pauses": "row.pause",
    "transfer_id": "row.transfer",
}
_FORMS: dict[type[AnyRow], tuple[FieldInfo, ...]] = {
    form: fields(form) for form in (Row, Deletion, Submitted)
}
_REQUIRED_MEMBERS = 1 + sum(field.required for field in _FORMS[Row])  # with `op`
_TOKEN_MEMBERS, _PAUSE_MEMBERS, _NOTICE_MEMBERS = 2, 3, 4
_SHOWN_NAME = re.compile(r"[a-z_]{1,40}")


def read_row(line: bytes) -> AnyRow | list[Flaw]:
    """Read one line of a file.

    Raises:
        FormError: it is not one JSON object.
    """
    return read_lines([line])[0]


def read_lines(lines: Sequence[bytes]) -> list[AnyRow | list[Flaw]]:
    """Read lines of a file that follow each other.

    Raises:
        FormError: one of them is not one JSON object.
    """
    read = _read_at_once(lines) or [_read(line) for line in lines]
    if not texts_fit([row for row in read if isinstance(row, Row)]):
        for place, row in enumerate(read):
            if isinstance(row, Row) and not texts_fit([row]):
                read[place] = _explain(lines[place], None) or [Flaw("", "row.shape")]
    return read


def _read_at_once(lines: Sequence[bytes]) -> list[AnyRow | list[Flaw]] | None:
    """Read lines that hold rows, none of them ambiguous; None says nothing about the lines.

    No line has fewer colons than its row accounts for: if all together have no more, none has.
    """
    content = b"".join(lines)
    if b"\\" in content:
        return None
    try:
        read = [_LINE.decode(line) for line in lines]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    rows = [row for row in read if isinstance(row, Row)]
    if len(rows) < len(read) or content.count(b":") != _colons(rows):
        return None
    return read  # type: ignore[return-value]  # a list of rows is one of rows or flaws


def _read(line: bytes) -> AnyRow | list[Flaw]:
    """Read a line but for the form of four texts."""
    try:
        row = _LINE.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _explain(line, None) or [Flaw("", "row.shape")]
    if _unambiguous(line, row):
        return row
    return _explain(line, None) or row


def read_submitted(body: bytes) -> Submitted | list[Flaw]:
    """Read a row that was sent alone.

    Raises:
        FormError: it is not one JSON object.
    """
    try:
        row = _SUBMITTED.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _explain(body, Submitted) or [Flaw("", "row.shape")]
    return _explain(body, Submitted) or row


def as_row(submitted: Submitted) -> Row:
    """Return the row as a file would carry it."""
    return Row(**{field.name: getattr(submitted, field.name) for field in _FORMS[Row]})


def read_object(line: bytes) -> tuple[dict[str, object], bool]:
    """Read one JSON object strictly; say whether a name stands twice in it.

    Raises:
        FormError: it is not one JSON object in UTF-8, or holds NaN, an infinity or a number of
            thousands of digits.
    """
    twice: list[str] = []

    def pairs(members: list[tuple[str, object]]) -> dict[str, object]:
        named = dict(members)
        if len(named) != len(members):
            twice.append("")
        return named

    try:
        content = json.loads(
            line.decode(),
            object_pairs_hook=pairs,
            parse_constant=_refuse_constant,
        )
    except (ValueError, RecursionError) as error:
        raise FormError("must be one JSON object in UTF-8") from error
    if not isinstance(content, dict):
        raise FormError("must be one JSON object")
    return content, bool(twice)


def _unambiguous(line: bytes, row: AnyRow) -> bool:
    if b"\\" in line:
        return False
    names = line.count(b":") - _inner_colons(line, row)
    # What a row tells has a name at least: as many names as that, and none stands twice. Else it
    # may tell a null as well, and its names are counted.
    told = isinstance(row, Row) and names == _told(row)
    return told or names == len(_MEMBERS.decode(line))


def _inner_colons(line: bytes, row: AnyRow) -> int:
    """Count the colons that the values as read account for, each name in them once."""
    count = row.account_ref.count(":")
    if isinstance(row, Deletion):
        return count
    nulled = row.notice is not None and row.notice.ground is None and b'"ground":' in line
    return count + _TOKEN_MEMBERS * len(row.tokens) + _rarer_colons(row) + nulled


def _rarer_colons(row: Row) -> int:
    """Count the colons of those values that few rows have."""
    count = _PAUSE_MEMBERS * len(row.pauses)
    if notice := row.notice:
        count += _NOTICE_MEMBERS + (notice.ground is not None) + notice.template.count(":")
    return count + (row.previous_ref.count(":") if row.previous_ref else 0)


def _colons(rows: Sequence[Row]) -> int:
    """Count the colons that these rows account for, if none tells a null."""
    return (
        sum([_told(row) + _TOKEN_MEMBERS * len(row.tokens) for row in rows])
        + "".join([row.account_ref for row in rows]).count(":")
        + sum([_rarer_colons(row) for row in rows if row.notice or row.pauses or row.previous_ref])
    )


def _told(row: Row) -> int:
    """Count the members that a row must have been read from: those not at their default."""
    return (
        _REQUIRED_MEMBERS
        + (row.closed_on is not None)
        + (row.oldest_unpaid_due_on is not None)
        + (row.first_overdue_on is not None)
        + (row.bucket is not UNSET)
        + (row.status_on is not None)
        + (row.five_class is not None)
        + (row.history != "")
        + (row.pauses != ())
        + (row.grant != "")
        + (row.basis != "")
        + (row.notice is not None)
        + (row.reason is not None)
        + (row.previous_ref is not None)
        + (row.transfer_id is not None)
    )


def _explain(line: bytes, form: type[AnyRow] | None) -> list[Flaw]:
    """Name every fault of the form, at most 8."""
    content, twice = read_object(line)
    flaws = [Flaw("", "row.duplicate_field")] if twice else []
    op = content.pop("op", None)
    chosen = form or (Deletion if op == "DELETE" else Row)
    if op != ("DELETE" if chosen is Deletion else "PUT"):
        flaws.append(Flaw("op", "row.code" if isinstance(op, str) else "row.shape"))
    for field in _FORMS[chosen]:
        flaws += _field_flaws(field, content)
    flaws += [_stranger(name, chosen) for name in content]
    return flaws[:FAULTS_A_ROW_MAX]


def _field_flaws(field: FieldInfo, content: dict[str, object]) -> list[Flaw]:
    name = field.encode_name
    if name not in content:
        return [Flaw(name, "row.shape")] if field.required else []
    try:
        msgspec.convert(content.pop(name), STRICT.get(name, field.type))
    except (msgspec.ValidationError, UnicodeError, RecursionError):
        return [Flaw(name, _FORM_CODES.get(name, "row.shape"))]
    return []


def _stranger(name: str, form: type[AnyRow]) -> Flaw:
    if name in SERVER_FIELDS:
        return Flaw(name, "row.server_field")
    if form is Deletion and any(name == field.encode_name for field in _FORMS[Row]):
        return Flaw(name, "row.shape")
    # A name could carry what belongs into a value: only a plain one is shown.
    return Flaw(name if _SHOWN_NAME.fullmatch(name) else "unknown", "row.unknown_field")


def _refuse_constant(_: str) -> NoReturn:
    raise ValueError("not JSON")
