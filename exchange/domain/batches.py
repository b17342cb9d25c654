"""A record file: header, row lines, trailer with control totals.

In:  the exact bytes of an NDJSON file, whole.
Out: a BatchFile of typed header and trailer and of row lines, byte for byte; then its rows, each
     read or explained, held against the control totals.
Not here: the rules of rows (rows/), gzip, CSV, files sent in parts.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated, Literal, NamedTuple, NoReturn

import msgspec
from msgspec import Meta, Struct

from exchange.domain import merkle
from exchange.domain.records import AMOUNT_MINOR_MAX
from exchange.domain.rows import AnyRow, Deletion, Flaw, read_object, read_row
from exchange.domain.strict_json import JsonLimits, loads
from exchange.errors import (
    ControlTotal,
    ExchangeError,
    Fault,
    FormError,
    InvalidBatch,
    TooLarge,
    TruncatedBatch,
)

LINE_FAULT = "batch.line"
_FIRST_ROW_LINE = 2  # the header is line 1
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_FRAME = JsonLimits(depth=4, integer_magnitude=10**21)  # sums of 200,000 rows of 10^15
_TRAILER_MARK = b'"rows_sha256"'
_NAMED = re.compile(r"`(?:\$\.)?([a-z_0-9]+)")


class Kind(StrEnum):
    """Whether absence means something."""

    FULL = "FULL"
    DELTA = "DELTA"


class Mode(StrEnum):
    """What one refused row means for the others."""

    ACCEPT_PARTIAL = "ACCEPT_PARTIAL"
    ALL_OR_NOTHING = "ALL_OR_NOTHING"


class BatchHeader(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The first line."""

    format: Literal["cx-batch/1"]
    batch_id: Annotated[str, Meta(pattern=r"\Abat_[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}\Z")]
    member: Annotated[str, Meta(pattern=r"\A[a-z0-9][a-z0-9_-]{1,38}\Z")]
    epoch: Annotated[str, Meta(pattern=r"\Aep_[1-9][0-9]{0,5}\Z")]
    norm: Literal["norm_v1"]
    profile: Annotated[str, Meta(pattern=r"\A[a-z]{2}@[1-9][0-9]{0,3}\Z")]
    kind: Kind
    mode: Mode
    dry_run: bool
    sequence: Annotated[int, Meta(ge=1, lt=2**53)]  # rises with every file of the member
    as_of_from: date
    as_of_to: date
    created: Annotated[int, Meta(ge=0, lt=2**53)]  # unix seconds


class Sums(Struct, frozen=True, forbid_unknown_fields=True):
    """What the rows of one currency add up to."""

    balance_minor: Annotated[int, Meta(ge=0)]
    overdue_minor: Annotated[int, Meta(ge=0)]


class BatchTrailer(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The last line."""

    rows: Annotated[int, Meta(ge=0)]
    rows_by_status: dict[str, Annotated[int, Meta(ge=0)]]  # deletions by their reason
    sums: dict[str, Sums]
    rows_sha256: Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]


_FRAME_FIELDS = frozenset({*BatchHeader.__struct_fields__, *BatchTrailer.__struct_fields__})


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchLimits:
    """How much one file may hold."""

    rows_max: int
    row_bytes_max: int = 8 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchFile:
    """A file whose frame stands: nothing is said yet about its rows."""

    header: BatchHeader
    trailer: BatchTrailer
    digest: bytes  # SHA-256 of the whole file
    lines: Sequence[bytes]  # of rows, without line ends

    def rows_root(self) -> bytes:
        """Return the RFC 6962 root over the rows."""
        return merkle.root([merkle.leaf_hash(line) for line in self.lines])


class NumberedRow(NamedTuple):
    """A row, or the flaws of its form, and its line in the file."""

    line: int
    row: AnyRow | list[Flaw]


def parse_batch(content: bytes, limits: BatchLimits) -> BatchFile:
    """Read the frame of a file.

    Raises:
        TruncatedBatch: the trailer is missing, or counts more rows than there are.
        ControlTotal: the trailer does not fit the rows.
        InvalidBatch: a line is broken; the fault names it.
        TooLarge: it has more rows than the limit.
    """
    lines, end = _lines(content)
    if len(lines) - 2 > limits.rows_max:
        raise TooLarge(f"a file may have at most {limits.rows_max} rows")
    if len(lines) < 2 or _TRAILER_MARK not in lines[-1]:
        raise TruncatedBatch("the last line is no trailer")
    _check_lengths(lines, limits.row_bytes_max)
    header, trailer, rows = _header(lines[0]), _trailer(lines[-1]), lines[1:-1]
    if trailer.rows > len(rows):
        raise TruncatedBatch("the file has fewer rows than its trailer counts")
    if trailer.rows < len(rows):
        raise ControlTotal("the file has more rows than its trailer counts", field="rows")
    if not rows:
        raise InvalidBatch("a file has at least one row", field="rows")
    body = content[len(lines[0]) + len(end) : len(content) - len(lines[-1]) - len(end)]
    if hashlib.sha256(body).hexdigest() != trailer.rows_sha256:
        raise ControlTotal("is not that of the row lines", field="rows_sha256")
    digest = hashlib.sha256(content).digest()
    return BatchFile(header=header, trailer=trailer, digest=digest, lines=rows)


def read_rows(file: BatchFile) -> Iterator[NumberedRow]:
    """Read each row line.

    Raises:
        InvalidBatch: a line is not one JSON object.
    """
    for number, line in enumerate(file.lines, _FIRST_ROW_LINE):
        try:
            yield NumberedRow(number, read_row(line))
        except FormError as error:
            _refuse_line(number, str(error))


def check_totals(file: BatchFile, rows: Sequence[NumberedRow]) -> bool:
    """Hold the rows against the trailer's totals.

    Returns:
        False if a status or an amount could not be read, so that only the rows were counted.

    Raises:
        ControlTotal: a total differs.
    """
    by_status: Counter[str] = Counter()
    sums: dict[str, list[int]] = {}
    for line, row in zip(file.lines, rows, strict=True):
        counted = _salvage(line) if isinstance(row.row, list) else _counted(row.row)
        if counted is None:
            return False
        by_status[counted.status] += 1
        if counted.currency:
            of_currency = sums.setdefault(counted.currency, [0, 0])
            of_currency[0] += counted.balance_minor
            of_currency[1] += counted.overdue_minor
    if by_status != Counter(file.trailer.rows_by_status):
        raise ControlTotal("differs from the rows", field="rows_by_status")
    told = file.trailer.sums.items()
    if sums != {code: [each.balance_minor, each.overdue_minor] for code, each in told}:
        raise ControlTotal("differs from the rows", field="sums")
    return True


class _Counted(NamedTuple):
    status: str
    currency: str  # "" for a deletion
    balance_minor: int
    overdue_minor: int


def _counted(row: AnyRow) -> _Counted:
    if isinstance(row, Deletion):
        return _Counted(row.reason, "", 0, 0)
    return _Counted(row.status, row.currency, row.balance_minor, row.overdue_minor)


def _salvage(line: bytes) -> _Counted | None:
    """Read what the totals need from a row that is refused, if that much can be read."""
    content, twice = read_object(line)
    if twice:
        return None
    if content.get("op") == "DELETE":
        reason = content.get("reason")
        return _Counted(reason, "", 0, 0) if isinstance(reason, str) else None
    status, currency = content.get("status"), content.get("currency")
    balance, overdue = _amount(content.get("balance_minor")), _amount(content.get("overdue_minor"))
    if not isinstance(status, str) or not isinstance(currency, str):
        return None
    if balance is None or overdue is None:
        return None
    return _Counted(status, currency, balance, overdue)


def _amount(value: object) -> int | None:
    return value if type(value) is int and 0 <= value <= AMOUNT_MINOR_MAX else None


def _lines(content: bytes) -> tuple[list[bytes], bytes]:
    """Split the file into its lines, and say which of the two line ends it uses."""
    if content.startswith(_BYTE_ORDER_MARK):
        _refuse_line(1, "must not start with a byte order mark")
    if not content.endswith(b"\n"):
        last = content.rpartition(b"\n")[2]
        if _TRAILER_MARK not in last or not last.endswith(b"}"):
            raise TruncatedBatch("the file ends inside a line")
        _refuse_line(content.count(b"\n") + 1, "must end with a line feed")
    lines = content[:-1].split(b"\n")
    end = b"\r\n" if lines[0].endswith(b"\r") else b"\n"
    if end == b"\r\n":
        for number, line in enumerate(lines, 1):
            if not line.endswith(b"\r"):
                _refuse_line(number, "must end as the first line does")
        lines = [line[:-1] for line in lines]
    if content.count(b"\r") != (len(lines) if end == b"\r\n" else 0):
        number = next(number for number, line in enumerate(lines, 1) if b"\r" in line)
        _refuse_line(number, "must not hold a carriage return")
    return lines, end


def _check_lengths(lines: Sequence[bytes], bytes_max: int) -> None:
    for number, line in enumerate(lines, 1):
        if not 0 < len(line) <= bytes_max:
            _refuse_line(number, f"must have 1 to {bytes_max} bytes")


def _header(line: bytes) -> BatchHeader:
    try:
        header = msgspec.convert(loads(line, _FRAME), BatchHeader)
    except msgspec.ValidationError as error:
        _refuse_line(1, _place(error))
    except ExchangeError as error:
        _refuse_line(1, str(error))
    if header.as_of_from > header.as_of_to:
        _refuse_line(1, "as_of_from must not lie after as_of_to")
    return header


def _trailer(line: bytes) -> BatchTrailer:
    try:
        return msgspec.convert(loads(line, _FRAME), BatchTrailer)
    except msgspec.ValidationError as error:
        raise ControlTotal(f"trailer: {_place(error)}") from None
    except ExchangeError as error:
        raise ControlTotal(f"trailer: {error}") from error


def _place(error: msgspec.ValidationError) -> str:
    """Say where a value is wrong, without the value: the library's own text may hold it."""
    named = _NAMED.search(str(error))
    if named is None or named[1] not in _FRAME_FIELDS:
        return "must have exactly its fields"
    return f"{named[1]} is missing or has another form"


def _refuse_line(number: int, expected: str) -> NoReturn:
    """Refuse the file for one line."""
    fault = Fault(f"/{number - 1}", LINE_FAULT, f"line {number}: {expected}")
    raise InvalidBatch(f"line {number}: {expected}", faults=(fault,))
