"""Pack and unpack a batch file: one gzip member, or one zstd frame with the extra `[zstd]`.

In:  the bytes of a file, or of one as it is sent.
Out: the other. What the exchange would refuse is refused here too, in its words: a bomb, a second
     member, a tail, an end that comes too early.
Source: the record rules of the exchange, section "Batches"; RFC 1952, RFC 8878.
"""

from __future__ import annotations

import gzip
import importlib
import sys
import zlib
from types import ModuleType
from typing import Final, Protocol, cast

from exchange_client.errors import UsageError

GZIP: Final = b"\x1f\x8b"
ZSTD: Final = b"\x28\xb5\x2f\xfd"
MEDIA: Final = {GZIP: "application/gzip", ZSTD: "application/zstd"}  # by how the bytes begin
RATIO_MAX: Final = 20  # unpacked bytes for each packed one
RATIO_FREE_BYTES: Final = 1 << 20  # what is no longer, unpacked, is no bomb whatever its ratio
_GZIP_WINDOW: Final = 31  # zlib: 15 bits of window, and the header and trailer of RFC 1952
_ZSTD_WINDOW_LOG_MAX: Final = 23  # 8 MiB, as RFC 8878 asks of every decoder


class _Decompressor(Protocol):
    """What zlib and zstd have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, packed: bytes, bytes_max: int, /) -> bytes: ...


def packing_of(sent: bytes) -> bytes | None:
    """Return how packed bytes begin; None for a file that is not packed."""
    return next((start for start in MEDIA if sent.startswith(start)), None)


def gzipped(content: bytes) -> bytes:
    """Pack a file as one gzip member; always the same bytes."""
    return gzip.compress(content, mtime=0)


def zstandard(content: bytes) -> bytes:
    """Pack a file as one zstd frame with a checksum.

    Raises:
        UsageError: zstd is not installed.
    """
    zstd = zstd_library()
    options = {zstd.CompressionParameter.checksum_flag: 1}
    return cast("bytes", zstd.compress(content, options=options))


def unpacked(sent: bytes) -> bytes:
    """Return the file that was sent so.

    Raises:
        UsageError: the exchange would refuse it; the rule is named.
    """
    packing = packing_of(sent)
    if packing is None:
        return sent
    bytes_max = max(RATIO_FREE_BYTES, RATIO_MAX * len(sent))
    inner, refusals = _decompressor(packing)
    try:
        content = inner.decompress(sent, bytes_max + 1)
    except refusals as error:
        raise UsageError(_NO_PACKING[packing]) from error
    if len(content) > bytes_max:
        raise UsageError(f"a file may unpack to at most {RATIO_MAX} times its length")
    if inner.unused_data:
        raise UsageError("a file is packed in one piece, and nothing follows it")
    if not inner.eof:
        raise UsageError("the packed bytes end too early")
    return content


_NO_PACKING = {
    GZIP: "the file is no gzip",
    ZSTD: "the file is no zstd, or its window is over 8 MiB",
}


def _decompressor(packing: bytes) -> tuple[_Decompressor, type[Exception]]:
    if packing == GZIP:
        return zlib.decompressobj(_GZIP_WINDOW), zlib.error
    zstd = zstd_library()
    window = {zstd.DecompressionParameter.window_log_max: _ZSTD_WINDOW_LOG_MAX}
    return zstd.ZstdDecompressor(options=window), zstd.ZstdError


def zstd_library() -> ModuleType:
    """Return the library of zstd.

    Raises:
        UsageError: it is not installed.
    """
    name = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise UsageError("zstd needs the extra: credit-exchange-client[zstd]") from error
