"""Read a member's own rows, and put tokens where its identifiers stood.

In:  mappings in the words of the record rules, but with `identifiers` in place of `tokens`; or
     a file of them, NDJSON or CSV.
Out: RowDrafts. Identifiers go no further than the blinding; rows leave with tokens only.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final

from exchange_client.core.encoding import b64url, loads, loads_object
from exchange_client.errors import InvalidIdentifier, UsageError
from exchange_client.identifiers import Identifier, check_age

IDENTITIES_MAX = 3
JSON_CELLS: Final = frozenset({"identifiers", "pauses", "notice"})
INTEGER_CELLS: Final = frozenset(
    {"principal_minor", "balance_minor", "overdue_minor", "dpd", "bucket", "five_class"}
)
IDENTIFIER_CELLS: Final = ("id_type", "country", "number")
_WHOLE: Final = "no whole number"
WHOLE_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)")

Row = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowDraft:
    """One row as the member holds it: the subject's identifiers, and what is said of them."""

    identifiers: tuple[Identifier, ...] = field(repr=False)  # primary first, contact last
    fields: Mapping[str, object] = field(repr=False)

    def with_tokens(self, tokens: Mapping[Identifier, bytes]) -> dict[str, object]:
        """Return the row as it is sent."""
        if not self.identifiers:  # A deletion names the account alone.
            return dict(self.fields)
        return {**self.fields, "tokens": token_list(self.identifiers, tokens)}


def token_list(
    identifiers: Iterable[Identifier], tokens: Mapping[Identifier, bytes]
) -> list[dict[str, str]]:
    """Write tokens in the order of their identifiers, as queries and rows carry them."""
    return [{"kind": one.kind, "value": b64url(tokens[one])} for one in identifiers]


def subject_of(identifiers: Identifier | Sequence[Identifier]) -> tuple[Identifier, ...]:
    """Check the identifiers of one subject: 1 to 3 identities, primary first, then one contact.

    Raises:
        UsageError: another number or order, or one of them twice.
    """
    given = (identifiers,) if isinstance(identifiers, Identifier) else tuple(identifiers)
    kinds = [one.kind for one in given]
    identities = kinds.count("identity")
    if not 1 <= identities <= IDENTITIES_MAX or kinds[identities:] not in ([], ["contact"]):
        raise UsageError("a subject has 1 to 3 identities, primary first, then at most one contact")
    if len(set(given)) != len(given):
        raise UsageError("an identifier stands twice")
    return given


def draft(row: Row) -> RowDraft:
    """Take a row apart into identifiers and fields.

    Raises:
        UsageError: `identifiers` is missing or has another form.
        InvalidIdentifier: one of them breaks a rule, or the subject was too young.
    """
    fields = {name: value for name, value in row.items() if name != "identifiers"}
    fields.setdefault("op", "PUT")
    if "tokens" in fields:
        raise UsageError("a row carries identifiers; tokens are made here")
    if fields["op"] == "DELETE":
        return RowDraft(identifiers=(), fields=fields)
    given = row.get("identifiers")
    if not isinstance(given, list | tuple):
        raise UsageError("a row needs `identifiers`, a list")
    subject = subject_of([_identifier(one) for one in given])
    for one in subject:
        _check_age(one, fields.get("opened_on"))
    return RowDraft(identifiers=subject, fields=fields)


def read_rows(path: Path) -> Iterator[Row]:
    """Read rows from a file: CSV if its name ends so, else NDJSON.

    Raises:
        UsageError: the file cannot be read; line and rule are named, never a value.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            yield from _read_csv(file) if path.suffix.lower() == ".csv" else _read_ndjson(file)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: {type(error).__name__}") from error


def drafts(rows: Iterable[Row]) -> list[RowDraft]:
    """Take rows apart, and name the row where one cannot be.

    Raises:
        UsageError, InvalidIdentifier: the message starts with the row's number, from 1.
    """
    taken = []
    for number, row in enumerate(rows, start=1):
        try:
            taken.append(draft(row))
        except InvalidIdentifier as error:
            raise InvalidIdentifier(error.code, f"row {number}") from error
        except UsageError as error:
            raise UsageError(f"row {number}: {error}") from error
    return taken


def _identifier(given: object) -> Identifier:
    if isinstance(given, Identifier):
        return given
    if not isinstance(given, Mapping) or set(given) != set(IDENTIFIER_CELLS):
        raise UsageError("an identifier has id_type, country and number")
    id_type, country, number = (str(given[name]) for name in IDENTIFIER_CELLS)
    return Identifier.parse(id_type, country, number)


def _check_age(identifier: Identifier, opened_on: object) -> None:
    if isinstance(opened_on, date):
        check_age(identifier, opened_on)
    elif isinstance(opened_on, str):
        try:
            check_age(identifier, date.fromisoformat(opened_on))
        except ValueError:
            return  # Not a date: the exchange names the fault of the row.


def _read_ndjson(lines: Iterable[str]) -> Iterator[Row]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield loads_object(line)
        except ValueError:
            # `from None`: the decoder's message may hold what stands in the line.
            expected = "must be one JSON object: no name twice, every number whole"
            raise UsageError(f"line {number}: {expected}") from None


def _read_csv(lines: Iterable[str]) -> Iterator[Row]:
    reader = csv.DictReader(lines, strict=True)
    try:
        for cells in reader:
            if None in cells or None in cells.values():
                raise UsageError(f"line {reader.line_num}: another number of cells than columns")
            try:
                yield _csv_row(cells)
            except UsageError as error:
                raise UsageError(f"line {reader.line_num}: {error}") from None
    except csv.Error:
        raise UsageError(f"line {reader.line_num}: not CSV as RFC 4180 has it") from None


def _csv_row(cells: Mapping[str, str]) -> Row:
    row: dict[str, object] = {}
    for name, cell in cells.items():
        if cell == "":
            continue  # An empty cell is an absent field.
        try:
            row[name] = _value(name, cell)
        except ValueError:
            raise UsageError(f"{name}: {'no JSON' if name in JSON_CELLS else _WHOLE}") from None
    primary = {name: row.pop(name) for name in IDENTIFIER_CELLS if name in row}
    if primary and "identifiers" not in row:
        row["identifiers"] = [primary]
    if "mobile" in row:
        contact = {"id_type": "mobile", "country": "ZZ", "number": row.pop("mobile")}
        row["identifiers"] = [*_list(row.get("identifiers")), contact]
    return row


def _value(name: str, cell: str) -> object:
    """Read a cell as its column has it."""
    if name in JSON_CELLS:
        return loads(cell)
    if name not in INTEGER_CELLS:
        return cell
    if not WHOLE_NUMBER.fullmatch(cell):  # What int() takes beside it is a slip of somebody's pen.
        raise ValueError(_WHOLE)
    return int(cell)


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else []


def jsonable(fields: Mapping[str, object]) -> dict[str, object]:
    """Return the fields with dates written as text.

    Raises:
        UsageError: a value is of no type that JSON and the record rules know.
    """
    shown = {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in fields.items()
    }
    try:
        json.dumps(shown, allow_nan=False)
    except (TypeError, ValueError):
        raise UsageError("a row holds a value that JSON cannot") from None
    return shown
