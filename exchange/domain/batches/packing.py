"""Unpack a file as it streams by: plain, one gzip member, or one zstd frame.

In:  the bytes as they were sent, in slices of any length.
Out: the bytes of the file, in slices of at most 1 MiB: memory stays flat whatever is packed.
Each limit is checked before a slice is handed on, so that a bomb is never unpacked whole.
"""

from __future__ import annotations

import importlib
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from typing import Protocol, cast

from exchange.domain.batches.forms import BatchLimits
from exchange.errors import TooLarge, TruncatedBatch, WrongMediaType

SLICE_BYTES = 1 << 20
_GZIP_WINDOW = 31  # zlib: 15 bits of window, and the header and trailer of RFC 1952
_ZSTD_WINDOW_LOG_MAX = 23  # 8 MiB, as RFC 8878 asks of every decoder


class Packing(Enum):
    """How a file is packed; the value is how its bytes begin."""

    PLAIN = b""
    GZIP = b"\x1f\x8b"
    ZSTD = b"\x28\xb5\x2f\xfd"


class _Unpacker(Protocol):
    """What zlib and zstd have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def slices(self, packed: bytes) -> Iterator[bytes]: ...


def packing_of(start: bytes) -> Packing:
    """Tell the packing by the first bytes of a file."""
    for packing in (Packing.GZIP, Packing.ZSTD):
        if start.startswith(packing.value):
            return packing
    return Packing.PLAIN


def unpack(sent: Iterable[bytes], packing: Packing, limits: BatchLimits) -> Iterator[bytes]:
    """Yield the bytes of the file.

    Raises:
        TooLarge: it is longer than the limit, or unpacks to too many times its length.
        TruncatedBatch: the packed bytes end too early.
        WrongMediaType: they are not one gzip member or zstd frame.
    """
    given, made = 0, 0
    unpacker = _UNPACKERS[packing]()
    for packed in sent:
        given += len(packed)
        for piece in unpacker.slices(packed):
            made += len(piece)
            if made > limits.bytes_max:
                raise TooLarge(f"a file may have at most {limits.bytes_max} bytes, unpacked")
            if made > max(SLICE_BYTES, limits.ratio_max * given):
                raise TooLarge(f"a file may unpack to at most {limits.ratio_max} times its length")
            yield piece
        if unpacker.unused_data:
            raise WrongMediaType("a file is packed in one piece, and nothing follows it")
    if not unpacker.eof:
        raise TruncatedBatch("the packed bytes end too early")


class _Plain:
    eof = True
    unused_data = b""

    def slices(self, packed: bytes) -> Iterator[bytes]:
        for start in range(0, len(packed), SLICE_BYTES):
            yield packed[start : start + SLICE_BYTES]


class _Gzip:
    def __init__(self) -> None:
        self._inner = zlib.decompressobj(_GZIP_WINDOW)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def slices(self, packed: bytes) -> Iterator[bytes]:
        try:
            while packed:
                yield self._inner.decompress(packed, SLICE_BYTES)
                packed = self._inner.unconsumed_tail
        except zlib.error as error:
            raise WrongMediaType("the file is no gzip") from error


class _ZstdDecompressor(Protocol):
    eof: bool
    needs_input: bool
    unused_data: bytes

    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Zstd:
    def __init__(self) -> None:
        name = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
        try:
            zstd = importlib.import_module(name)
        except ImportError as error:
            raise WrongMediaType("this exchange takes no zstd: send gzip") from error
        self._refused = cast("type[Exception]", zstd.ZstdError)
        window = {zstd.DecompressionParameter.window_log_max: _ZSTD_WINDOW_LOG_MAX}
        self._inner = cast("_ZstdDecompressor", zstd.ZstdDecompressor(options=window))

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def slices(self, packed: bytes) -> Iterator[bytes]:
        if self.eof:
            raise WrongMediaType("a file is packed in one piece, and nothing follows it")
        try:
            yield self._inner.decompress(packed, SLICE_BYTES)
            while not (self._inner.needs_input or self.eof):
                yield self._inner.decompress(b"", SLICE_BYTES)
        except self._refused as error:
            raise WrongMediaType("the file is no zstd, or its window is over 8 MiB") from error


_UNPACKERS: dict[Packing, Callable[[], _Unpacker]] = {
    Packing.PLAIN: _Plain,
    Packing.GZIP: _Gzip,
    Packing.ZSTD: _Zstd,
}
