"""The frame of a file: what header and trailer say of its rows, held against their bytes.

In:  slices of the unpacked file.
Out: a FileFrame: digest, number and Merkle root of the rows; nothing is said about what they hold.
This first pass costs a tenth of the second: a file that is cut, changed on its way or too long is
refused before any row is judged. The lines of a file that is not long are kept for the second.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from exchange.domain import merkle
from exchange.domain.batches.forms import (
    BatchHeader,
    BatchLimits,
    BatchTrailer,
    read_trailer,
    refuse_line,
)
from exchange.domain.batches.lines import Dialect, FileReader, RowBlock, read_first_line
from exchange.domain.batches.packing import packing_of, unpack
from exchange.errors import ControlTotal, InvalidBatch, TruncatedBatch, WrongMediaType

_STARTS = (b"{", b"#cx-batch ")  # of the two dialects


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFrame:
    """A file whose frame stands."""

    header: BatchHeader
    trailer: BatchTrailer
    dialect: Dialect
    digest: bytes  # SHA-256 of the whole file, unpacked
    rows: int
    rows_root: bytes  # RFC 6962 root over the row lines
    kept: Sequence[RowBlock]  # all its rows; none, where they were too long to be kept


def read_frame(content: Iterable[bytes], limits: BatchLimits, kept_bytes_max: int = 0) -> FileFrame:
    """Read the frame of an unpacked file.

    Args:
        kept_bytes_max: keep the rows, if all together have no more bytes.

    Raises:
        TruncatedBatch: the trailer is missing, or counts more rows than there are.
        ControlTotal: the trailer does not fit the rows.
        InvalidBatch: a line is broken; the fault names it.
        TooLarge: it has more rows than the limit.
    """
    digest, of_rows, edge = hashlib.sha256(), hashlib.sha256(), merkle.NO_LEAVES
    reader = FileReader(_hashed(content, digest), limits)
    kept: list[RowBlock] = []
    left = kept_bytes_max
    for block in reader.blocks():
        rows = reader.line_end.join(block.lines) + reader.line_end
        of_rows.update(rows)
        edge = edge.grown(merkle.line_hashes(block.lines)).edge
        left -= len(rows)
        if left >= 0:
            kept.append(block)
        else:
            kept.clear()
    if reader.header is None:
        raise TruncatedBatch("the file has no header")
    trailer = read_trailer(reader.trailer_line)
    _check_count(trailer.rows, edge.size)
    if of_rows.hexdigest() != trailer.rows_sha256:
        raise ControlTotal("is not that of the row lines", field="rows_sha256")
    return FileFrame(
        header=reader.header,
        trailer=trailer,
        dialect=reader.dialect,
        digest=digest.digest(),
        rows=edge.size,
        rows_root=edge.root(),
        kept=kept,
    )


def digest_of(content: Iterable[bytes]) -> bytes:
    """Return the digest of an unpacked file, and look at nothing else of it."""
    digest = hashlib.sha256()
    for piece in content:
        digest.update(piece)
    return digest.digest()


def peek_header(sent: Iterable[bytes], limits: BatchLimits) -> BatchHeader:
    """Read the header of a file as it was sent, packed or not, and no more of it.

    Raises:
        WrongMediaType: it is none of the documented formats.
        InvalidBatch: its first line is broken.
        TruncatedBatch: it ends before its first line does.
    """
    pieces = iter(sent)
    first = next(pieces, b"")
    packing = packing_of(first)
    start = b""
    for piece in unpack(_after(first, pieces), packing, limits):
        start += piece[: limits.row_bytes_max + 2]
        if b"\n" in start or len(start) > limits.row_bytes_max + 1:
            break
    if start and not any(start.startswith(one[: len(start)]) for one in _STARTS):
        if start.startswith(b"\xef\xbb\xbf"):
            refuse_line(1, "must not start with a byte order mark")
        raise WrongMediaType("a file starts with its header, as NDJSON or as CSV")
    line, feed, _ = start.partition(b"\n")
    if not feed and len(start) <= limits.row_bytes_max:
        raise TruncatedBatch("the first line is not whole; of a file in parts, the first holds it")
    return read_first_line(line, limits)


def _check_count(told: int, rows: int) -> None:
    if told > rows:
        raise TruncatedBatch("the file has fewer rows than its trailer counts")
    if told < rows:
        raise ControlTotal("the file has more rows than its trailer counts", field="rows")
    if not rows:
        raise InvalidBatch("a file has at least one row", field="rows")


def _hashed(content: Iterable[bytes], digest: hashlib._Hash) -> Iterator[bytes]:
    for piece in content:
        digest.update(piece)
        yield piece


def _after(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest
