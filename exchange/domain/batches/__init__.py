"""Record files: header, row lines, trailer with control totals; as NDJSON or CSV, packed or not.

forms      header and trailer; how a broken line is named
packing    gzip and zstd, within limits
lines      the walk through a file's lines
csv_cells  a CSV line as the JSON object that says the same
frame      first pass: digest, count, root
reading    second pass: rows, block by block
totals     what the rows add up to
"""

from exchange.domain.batches.forms import (
    LINE_FAULT,
    BatchHeader,
    BatchLimits,
    BatchTrailer,
    Kind,
    Mode,
    Sums,
)
from exchange.domain.batches.frame import FileFrame, digest_of, peek_header, read_frame
from exchange.domain.batches.lines import Dialect, FileReader, RowBlock
from exchange.domain.batches.packing import SLICE_BYTES, Packing, packing_of, unpack
from exchange.domain.batches.reading import ReadBlock, json_lines, read_rows
from exchange.domain.batches.totals import Totals

__all__ = [
    "LINE_FAULT",
    "SLICE_BYTES",
    "BatchHeader",
    "BatchLimits",
    "BatchTrailer",
    "Dialect",
    "FileFrame",
    "FileReader",
    "Kind",
    "Mode",
    "Packing",
    "ReadBlock",
    "RowBlock",
    "Sums",
    "Totals",
    "digest_of",
    "json_lines",
    "packing_of",
    "peek_header",
    "read_frame",
    "read_rows",
    "unpack",
]
