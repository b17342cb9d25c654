"""Walk through the lines of a file once, as its bytes stream by.

In:  slices of the unpacked file.
Out: its header, blocks of row lines with their numbers, and at the end the line of the trailer.
Not here: what rows and totals say.

One kind of line end holds for the whole file, and no line is longer than a row may be: a line of
10 MiB is refused when it outgrows a row, not when it ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum
from typing import NamedTuple

from exchange.domain.batches.csv_cells import COLUMNS_LINE
from exchange.domain.batches.forms import BatchHeader, BatchLimits, read_header, refuse_line
from exchange.errors import TooLarge, TruncatedBatch

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_TRAILER_MARK = b'"rows_sha256"'
CSV_HEADER = b"#cx-batch "
CSV_TRAILER = b"#cx-end "


class Dialect(Enum):
    """How rows are written; the value is the number of the first row's line."""

    NDJSON = 2
    CSV = 3  # a line of column names stands before it


class RowBlock(NamedTuple):
    """Row lines that follow each other."""

    first: int  # line number of the first one; the header is line 1
    lines: list[bytes]  # without line ends


class FileReader:
    """Reads one file once: `blocks` to its end, then `trailer_line` stands."""

    def __init__(self, content: Iterable[bytes], limits: BatchLimits) -> None:
        self._content = content
        self._limits = limits
        self._number = 0  # lines seen
        self._held: bytes | None = None  # the last line seen: the trailer, or one more row
        self.line_end = b"\n"
        self.dialect = Dialect.NDJSON
        self.header: BatchHeader | None = None
        self.trailer_line = b""

    def blocks(self) -> Iterator[RowBlock]:
        """Yield the rows.

        Raises:
            InvalidBatch: a line is broken; the fault names it.
            TruncatedBatch: the file ends before its trailer.
            TooLarge: it has more rows than the limit.
        """
        for lines in self._lines():
            first = self._number + 1
            self._number += len(lines)
            if first <= self.dialect.value:
                lines, first = self._opened(lines, first)
            if lines:
                yield from self._released(first, lines)
            if self._number - self.dialect.value > self._limits.rows_max:
                raise TooLarge(f"a file may have at most {self._limits.rows_max} rows")
        self.trailer_line = self._trailer()

    def _released(self, first: int, lines: list[bytes]) -> Iterator[RowBlock]:
        """Yield lines but for the last one, which may be the trailer."""
        held, self._held = self._held, lines.pop()
        if held is not None:
            lines.insert(0, held)
            first -= 1
        if lines:
            yield RowBlock(first, lines)

    def _opened(self, lines: list[bytes], first: int) -> tuple[list[bytes], int]:
        """Take header and column names off the first lines."""
        if first == 1:
            if lines[0].startswith(CSV_HEADER):
                self.dialect = Dialect.CSV
            self.header = read_header(lines[0].removeprefix(CSV_HEADER))
            lines, first = lines[1:], 2
        if self.dialect is Dialect.CSV and lines and first == 2:
            if lines[0] != COLUMNS_LINE:
                refuse_line(2, "must name exactly the documented columns, in their order")
            lines, first = lines[1:], Dialect.CSV.value
        return lines, first

    def _trailer(self) -> bytes:
        held = self._held or b""
        if self.header is not None and self.dialect is Dialect.CSV:
            marked, held = held.startswith(CSV_TRAILER), held.removeprefix(CSV_TRAILER)
        else:
            marked = _TRAILER_MARK in held
        if not marked:
            raise TruncatedBatch("the last line is no trailer")
        return held

    def _lines(self) -> Iterator[list[bytes]]:
        """Yield whole lines, a slice's worth at a time."""
        rest = b""
        for piece in self._content:
            whole, feed, after = piece.rpartition(b"\n")
            if not feed:
                rest += piece
            else:
                lines, rest = self._split(rest + whole + feed), after
                yield lines
            if len(rest) > self._limits.row_bytes_max + 1:
                refuse_line(self._number + 1, self._length_rule)
        if rest or not self._number:
            self._refuse_end(rest)

    def _split(self, block: bytes) -> list[bytes]:
        if self._number == 0:
            if block.startswith(_BYTE_ORDER_MARK):
                refuse_line(1, "must not start with a byte order mark")
            self.line_end = b"\r\n" if block.partition(b"\n")[0].endswith(b"\r") else b"\n"
        lines = block[: -len(self.line_end)].split(self.line_end)
        lengths = list(map(len, lines))
        if (
            not self._ends_alike(block, len(lines))
            or max(lengths) > self._limits.row_bytes_max
            or not min(lengths)
        ):
            self._refuse_block(block)
        return lines

    def _ends_alike(self, block: bytes, lines: int) -> bool:
        if self.line_end == b"\n":  # Each of them has ended a line.
            return b"\r" not in block
        counted = block.count(b"\n") == lines == block.count(b"\r")
        return counted and block.endswith(self.line_end)

    def _refuse_block(self, block: bytes) -> None:
        """Name the first line that is not as it must be."""
        for number, ended in enumerate(block[:-1].split(b"\n"), self._number + 1):
            line = ended
            if self.line_end == b"\r\n":
                if not ended.endswith(b"\r"):
                    refuse_line(number, "must end as the first line does")
                line = ended[:-1]
            if b"\r" in line:
                refuse_line(number, "must not hold a carriage return")
            if not 0 < len(line) <= self._limits.row_bytes_max:
                refuse_line(number, self._length_rule)

    def _refuse_end(self, rest: bytes) -> None:
        trailer = _TRAILER_MARK in rest and rest.endswith(b"}")
        if not trailer:
            raise TruncatedBatch("the file ends inside a line")
        refuse_line(self._number + 1, "must end with a line feed")

    @property
    def _length_rule(self) -> str:
        return f"must have 1 to {self._limits.row_bytes_max} bytes"


def read_first_line(line: bytes, limits: BatchLimits) -> BatchHeader:
    """Read the header from the first line of a file, its line feed cut off.

    Raises:
        InvalidBatch: it is not in its form.
    """
    line = line.removesuffix(b"\r")
    if not 0 < len(line) <= limits.row_bytes_max:
        refuse_line(1, f"must have 1 to {limits.row_bytes_max} bytes")
    if b"\r" in line:
        refuse_line(1, "must not hold a carriage return")
    return read_header(line.removeprefix(CSV_HEADER))
