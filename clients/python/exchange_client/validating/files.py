"""Check a batch file offline: its frame, its totals, and every rule that needs nothing stored.

In:  the exact bytes of a batch file, and the circumstances.
Out: a RowFault for everything found, with the exchange's own codes. What needs the exchange's
     memory (grants, transitions, notices) is judged there.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Final

from exchange_client.batches.files import CSV_START, BatchFile
from exchange_client.batches.flows import RowFault
from exchange_client.batches.rows import INTEGER_CELLS, WHOLE_NUMBER
from exchange_client.core.encoding import JSON, loads, loads_object
from exchange_client.validating.checks import (
    TERMINAL,
    Circumstances,
    Read,
    check_flaws,
    delete_flaws,
)
from exchange_client.validating.explaining import rule_of
from exchange_client.validating.forms import (
    AMOUNT_MINOR_MAX,
    FAULTS_A_ROW_MAX,
    PUT,
    Flaw,
    form_flaws,
)
from exchange_client.validating.reading import read_object

CSV_END: Final = b"#cx-end "
TOKENS: Final = ("id_token_1", "id_token_2", "id_token_3", "contact_token")
COLUMNS: Final = (
    *("op", "account_ref", *TOKENS),
    *(name for name in PUT if name not in ("account_ref", "tokens")),
)
ONE_AMOUNT_ROWS_MIN: Final = 20
ONE_AMOUNT_PERCENT_MAX: Final = 30
_RFC4180: Final = re.compile(r'(?:"(?:[^"]|"")*"|[^",]*)(?:,(?:"(?:[^"]|"")*"|[^",]*))*')
LIVE_ACCOUNTS_MAX: Final = 20  # of one subject


def validate(file: BatchFile, judged_in: Circumstances) -> list[RowFault]:
    """Return what the exchange would find in a file, as far as it needs nothing stored."""
    content = file.content
    lines = content.replace(b"\r\n", b"\n").split(b"\n")[:-1]
    as_csv = content.startswith(CSV_START)
    try:
        header = loads_object(lines[0].removeprefix(CSV_START))
        trailer = loads_object(lines[-1].removeprefix(CSV_END))
        period = [date.fromisoformat(str(header[name])) for name in ("as_of_from", "as_of_to")]
    except (ValueError, KeyError, IndexError):
        return [_fault(1, ("", "batch.truncated"))]
    judged_in = replace(judged_in, as_of_from=period[0], as_of_to=period[1])
    first = 3 if as_csv else 2
    rows = lines[first - 1 : -1]
    read, faults = _read(rows, first, csv_row if as_csv else read_object)
    flaws = {line: _flaws(row, judged_in) for line, row in read.items()}
    _mark_repeated(read, flaws, ("transfer_id",), ("transfer_id", "row.transfer"))
    _mark_repeated(read, flaws, ("account_ref", "previous_ref"), ("account_ref", "row.duplicate"))
    faults += [_fault(line, flaw) for line, found in flaws.items() for flaw in _ordered(found)]
    faults += _of_totals(file, list(read.values()), trailer, len(lines))
    faults += _one_amount(read) + _crowded(read)
    return sorted(faults, key=lambda fault: fault.line)


def _read(
    rows: Sequence[bytes], first: int, reader: Callable[[bytes], dict[str, JSON]]
) -> tuple[dict[int, dict[str, JSON]], list[RowFault]]:
    read, faults = {}, []
    for line, raw in enumerate(rows, first):
        try:
            read[line] = reader(raw)
        except ValueError:
            faults.append(_fault(line, ("", "batch.line")))
    return read, faults


def csv_row(line: bytes) -> dict[str, JSON]:
    """Read a CSV row as the object that it stands for.

    Raises:
        ValueError: it is none.
    """
    text = line.decode()
    if "\0" in text or not _RFC4180.fullmatch(text):  # The library takes a"b for a cell.
        raise ValueError("not CSV as RFC 4180 has it")
    cells = next(csv.reader(io.StringIO(text), strict=True), [])
    if len(cells) != len(COLUMNS):
        raise ValueError("another number of cells than columns")
    row: dict[str, JSON] = {}
    tokens: list[JSON] = []
    for name, cell in zip(COLUMNS, cells, strict=True):
        if not cell:
            continue
        if name in TOKENS:
            tokens.append({"kind": "contact" if name == TOKENS[-1] else "identity", "value": cell})
        else:
            row[name] = _value(name, cell)
    return row | ({"tokens": tokens} if tokens else {})


def _value(name: str, cell: str) -> JSON:
    if name in INTEGER_CELLS:
        return int(cell) if WHOLE_NUMBER.fullmatch(cell) else cell
    if name in ("pauses", "notice"):
        try:
            return loads(cell)
        except ValueError:
            return cell
    return cell


def _flaws(row: Mapping[str, JSON], judged_in: Circumstances) -> list[Flaw]:
    if flaws := form_flaws(row):
        return flaws
    return delete_flaws(row, judged_in) if row["op"] == "DELETE" else check_flaws(row, judged_in)


def _mark_repeated(
    rows: Mapping[int, Mapping[str, JSON]],
    flaws: dict[int, list[Flaw]],
    names: tuple[str, ...],
    flaw: Flaw,
) -> None:
    """Mark every row that names what another row of the file names as well."""
    named = {
        line: [str(one) for name in names if (one := row.get(name))]
        for line, row in rows.items()
        if not form_flaws(row)
    }
    counts = Counter(one for each in named.values() for one in each)
    for line, each in named.items():
        if any(counts[one] > 1 for one in each):
            flaws[line].insert(0, flaw)


def _of_totals(
    file: BatchFile, rows: Sequence[Mapping[str, JSON]], trailer: Mapping[str, JSON], last: int
) -> list[RowFault]:
    """Hold the rows against the trailer; what cannot be added up is only counted."""
    end = b"\r\n" if file.content.partition(b"\n")[0].endswith(b"\r") else b"\n"
    lines = file.row_lines
    told = {"rows": len(lines), "rows_sha256": hashlib.sha256(end.join(lines) + end).hexdigest()}
    differ = [name for name, value in told.items() if trailer.get(name) != value]
    puts = [row for row in rows if row.get("op") != "DELETE"]
    if len(rows) == len(lines) and all(_countable(row) for row in puts):
        sums: dict[str, JSON] = {}
        for code in {str(row["currency"]) for row in puts}:
            of_code = [row for row in puts if row["currency"] == code]
            sums[code] = {
                name: sum(int(str(row[name])) for row in of_code)
                for name in ("balance_minor", "overdue_minor")
            }
        differ += ["sums"] if trailer.get("sums") != sums else []
    return [_fault(last, (name, "batch.control_total")) for name in differ]


def _countable(row: Mapping[str, JSON]) -> bool:
    amounts = (row.get("balance_minor"), row.get("overdue_minor"))
    whole = all(type(one) is int and 0 <= one <= AMOUNT_MINOR_MAX for one in amounts)
    return whole and isinstance(row.get("currency"), str) and isinstance(row.get("status"), str)


def _one_amount(rows: Mapping[int, Mapping[str, JSON]]) -> list[RowFault]:
    if len(rows) < ONE_AMOUNT_ROWS_MIN:
        return []
    first: dict[int, int] = {}
    counts: Counter[int] = Counter()
    for line, row in rows.items():
        overdue = row.get("overdue_minor")
        if isinstance(overdue, int) and overdue > 0 and not form_flaws(row):
            counts[overdue] += 1
            first.setdefault(overdue, line)
    if not counts:
        return []
    amount, count = min(counts.items(), key=lambda one: (-one[1], first[one[0]]))
    if count * 100 <= len(rows) * ONE_AMOUNT_PERCENT_MAX:
        return []
    return [_fault(first[amount], ("overdue_minor", "plaus.one_amount"))]


def _crowded(rows: Mapping[int, Mapping[str, JSON]]) -> list[RowFault]:
    """Warn where one subject has more live accounts than is plausible, by this file alone."""
    named = {
        line: [one["value"] for one in Read(row).items("tokens") if one["kind"] == "identity"]
        for line, row in rows.items()
        if not form_flaws(row) and row["op"] == "PUT" and row["status"] not in TERMINAL
    }
    counts = Counter(value for values in named.values() for value in values)
    return [
        _fault(line, ("tokens", "plaus.token_on_many_accounts"))
        for line, values in named.items()
        if any(counts[value] > LIVE_ACCOUNTS_MAX for value in values)
    ]


def _ordered(flaws: Sequence[Flaw]) -> list[Flaw]:
    return sorted(flaws, key=lambda flaw: flaw[1].startswith("plaus."))[:FAULTS_A_ROW_MAX]


def _fault(line: int, flaw: Flaw) -> RowFault:
    severity = "WARN" if flaw[1].startswith("plaus.") else "REJECT"
    return RowFault(
        line=line, field=flaw[0], code=flaw[1], severity=severity, rule=rule_of(flaw[1])
    )
