"""Read the rows of a member's file, one at a time: a batch, packed or not, or its own rows.

In:  a path.
Out: each row with its line, as the exchange's own rules of files read it. A batch is held against
     its trailer while it is read, so that a cut or altered file counts for nothing.
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, Final, cast

from exchange_client.batches.files import CSV_START, FORMAT, SUMMED, is_batch
from exchange_client.batches.packing import GZIP, ZSTD, zstd_library
from exchange_client.batches.rows import read_rows
from exchange_client.core.encoding import JSON, loads_object
from exchange_client.errors import BookInvalid, UsageError
from exchange_client.validating.explaining import rule_of
from exchange_client.validating.files import CSV_END, csv_row
from exchange_client.validating.reading import read_object

LINE_BYTES_MAX: Final = 65_536

Numbered = tuple[int, Mapping[str, object]]  # the line, or the row of a member's own file


def rows_of(path: Path) -> Iterator[Numbered]:
    """Yield each row of a file.

    Raises:
        BookInvalid: a line is no row, or the trailer tells of other rows.
        UsageError: this is no file of rows.
    """
    return _batch_rows(path) if is_batch(path) else enumerate(read_rows(path), start=1)


def sequence_of(path: Path) -> int:
    """Return the number by which the exchange orders a member's batches; 0 for own rows."""
    if not is_batch(path):
        return 0
    with _opened(path) as file:
        told = _header(path, next(_lines(path, file), b"")).get("sequence")
    return told if type(told) is int else 0


def fault(path: Path, line: int, field: str, code: str) -> BookInvalid:
    """Name a fault by file, line and field; never by its value."""
    return BookInvalid(f"{path}: line {line}: {field or 'row'}: {code} ({rule_of(code)})")


def _batch_rows(path: Path) -> Iterator[Numbered]:
    with _opened(path) as file:
        lines = _lines(path, file)
        first = next(lines, b"")
        _header(path, first)
        as_csv = first.startswith(CSV_START)
        number = 3 if as_csv else 2
        if as_csv:
            next(lines, b"")  # the names of the columns, which are always the same
        totals, waiting = _Totals(), next(lines, b"")
        for line in lines:
            row = _row(path, number, waiting, as_csv=as_csv)
            totals.add(waiting, row)
            yield number, row
            number, waiting = number + 1, line
        totals.compare(path, number, waiting.removeprefix(CSV_END))


def _row(path: Path, number: int, line: bytes, *, as_csv: bool) -> dict[str, JSON]:
    try:
        bare = line.rstrip(b"\r\n")
        return csv_row(bare) if as_csv else read_object(bare)
    except ValueError:
        raise fault(path, number, "", "batch.line") from None


def _header(path: Path, line: bytes) -> dict[str, JSON]:
    try:
        header = loads_object(line.removeprefix(CSV_START))
    except ValueError:
        raise UsageError(f"{path}: line 1: no header of a batch") from None
    if header.get("format") != FORMAT:
        raise UsageError(f"{path}: line 1: not of {FORMAT}")
    return header


class _Totals:
    """The control totals of a batch, as its rows go by."""

    def __init__(self) -> None:
        self._rows = 0
        self._digest = hashlib.sha256()
        self._sums: dict[str, dict[str, int]] = {}

    def add(self, line: bytes, row: Mapping[str, object]) -> None:
        self._rows += 1
        self._digest.update(line)
        currency = row.get("currency")
        if row.get("op") != "DELETE" and isinstance(currency, str):
            sums = self._sums.setdefault(currency, dict.fromkeys(SUMMED, 0))
            for name in SUMMED:
                amount = row.get(name)
                sums[name] += amount if isinstance(amount, int) else 0

    def compare(self, path: Path, number: int, trailer: bytes) -> None:
        """Hold the rows against the trailer.

        Raises:
            BookInvalid: they are other rows, or it is no trailer.
        """
        try:
            told = loads_object(trailer)
        except ValueError:
            told = {}
        if "rows_sha256" not in told:
            raise fault(path, number, "", "batch.truncated")
        found = {"rows": self._rows, "rows_sha256": self._digest.hexdigest(), "sums": self._sums}
        for name, value in found.items():
            if told.get(name) != value:
                raise fault(path, number, name, "batch.control_total")


def _opened(path: Path) -> BinaryIO:
    with path.open("rb") as file:
        start = file.read(4)
    if start.startswith(GZIP):
        return cast("BinaryIO", gzip.open(path, "rb"))
    if start.startswith(ZSTD):
        return cast("BinaryIO", zstd_library().open(path, "rb"))
    return path.open("rb")


def _lines(path: Path, file: BinaryIO) -> Iterator[bytes]:
    number = 0
    try:
        while line := file.readline(LINE_BYTES_MAX + 1):
            number += 1
            if len(line) > LINE_BYTES_MAX:
                raise UsageError(f"{path}: line {number}: longer than {LINE_BYTES_MAX} bytes")
            yield line
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UsageError(f"{path}: the packed bytes are damaged or end too early") from error
    except Exception as error:
        if type(error).__name__ != "ZstdError":  # of a library that need not be there
            raise
        raise UsageError(f"{path}: the packed bytes are damaged") from error
