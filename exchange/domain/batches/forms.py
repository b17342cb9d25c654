"""The form of a file's first and last line, and how a line that breaks it is named."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated, Literal, NoReturn

import msgspec
from msgspec import Meta, Struct

from exchange.domain.strict_json import JsonLimits, loads
from exchange.errors import ControlTotal, ExchangeError, Fault, InvalidBatch

LINE_FAULT = "batch.line"
_FRAME = JsonLimits(depth=4, integer_magnitude=10**25)  # sums of 10^10 rows of 10^15
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
    bytes_max: int = 64 * 1024 * 1024  # unpacked
    row_bytes_max: int = 8 * 1024
    ratio_max: int = 20  # unpacked bytes for each packed one


def read_header(line: bytes) -> BatchHeader:
    """Read the header object.

    Raises:
        InvalidBatch: it is not in its form.
    """
    try:
        header = msgspec.convert(loads(line, _FRAME), BatchHeader)
    except msgspec.ValidationError as error:
        refuse_line(1, _place(error))
    except ExchangeError as error:
        refuse_line(1, str(error))
    if header.as_of_from > header.as_of_to:
        refuse_line(1, "as_of_from must not lie after as_of_to")
    return header


def read_trailer(line: bytes) -> BatchTrailer:
    """Read the trailer object.

    Raises:
        ControlTotal: it is not in its form.
    """
    try:
        return msgspec.convert(loads(line, _FRAME), BatchTrailer)
    except msgspec.ValidationError as error:
        raise ControlTotal(f"trailer: {_place(error)}") from None
    except ExchangeError as error:
        raise ControlTotal(f"trailer: {error}") from error


def refuse_line(number: int, expected: str) -> NoReturn:
    """Refuse the file for one line.

    Raises:
        InvalidBatch: always.
    """
    fault = Fault(f"/{number - 1}", LINE_FAULT, f"line {number}: {expected}")
    raise InvalidBatch(f"line {number}: {expected}", faults=(fault,))


def _place(error: msgspec.ValidationError) -> str:
    """Say where a value is wrong, without the value: the library's own text may hold it."""
    named = [name for name in _NAMED.findall(str(error)) if name in _FRAME_FIELDS]
    if not named:
        return "must have exactly its fields"
    return f"{named[-1]} is missing or has another form"  # The place stands behind the type.
