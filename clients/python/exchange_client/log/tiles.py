"""Tiles and bundles as a verifier reads them: paths, entries, and the tree over them.

Written apart from the exchange's own code. Source: C2SP tlog-tiles; hashes as in merkle.py.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from exchange_client.errors import LogInvalid
from exchange_client.merkle import HASH_BYTES

TILE_WIDTH = 256
TILE_BYTES_MAX = TILE_WIDTH * HASH_BYTES
BUNDLE_BYTES_MAX = TILE_WIDTH * (2 + 65_535)

_EMPTY = hashlib.sha256(b"").digest()


def tile_path(level: int | str, n: int, width: int = TILE_WIDTH) -> str:
    """Return the path of a tile, or with level `entries` of a bundle; no width means a full one."""
    digits = f"{n:d}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    number = "/".join([f"x{group}" for group in groups[:-1]] + groups[-1:])
    return f"tile/{level}/{number}" + ("" if width == TILE_WIDTH else f".p/{width}")


def bundle_widths(first: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield (number, width) of the bundles that hold the entries from `first` up to `size`."""
    for n in range(first // TILE_WIDTH, -(-size // TILE_WIDTH)):
        yield n, min(TILE_WIDTH, size - n * TILE_WIDTH)


def entries_of(bundle: bytes, width: int) -> list[bytes]:
    """Cut a bundle into its entries.

    Raises:
        LogInvalid: it holds more or fewer than `width`, or ends within one.
    """
    step = 2 + int.from_bytes(bundle[:2], "big")
    heads = [bundle[one::step] for one in (0, 1)]
    if len(bundle) == width * step and heads == [bundle[one : one + 1] * width for one in (0, 1)]:
        # All of one length, as ours are: cut in one go.
        return [bundle[at + 2 : at + step] for at in range(0, len(bundle), step)]
    entries, at = [], 0
    while at < len(bundle):
        end = at + 2 + int.from_bytes(bundle[at : at + 2], "big")
        if end > len(bundle) or at + 2 > len(bundle):
            raise LogInvalid("a bundle ends within an entry")
        entries.append(bundle[at + 2 : end])
        at = end
    if len(entries) != width:
        raise LogInvalid(f"a bundle holds {len(entries)} entries where {width} were expected")
    return entries


def leaf_hashes(entries: list[bytes]) -> list[bytes]:
    """Hash entries, the innermost loop of every check. Source: RFC 6962, section 2.1."""
    sha256 = hashlib.sha256
    return [sha256(b"\x00" + entry).digest() for entry in entries]


def _ignore(level: int, n: int, hashes: list[bytes]) -> None:
    """Keep nothing of a finished tile."""


@dataclass(slots=True)
class Growing:
    """A tree that grows by leaf hashes, tile by tile, and forgets what it needs no more."""

    on_tile: Callable[[int, int, list[bytes]], None] = _ignore  # told each full tile: level, n
    size: int = 0  # leaves
    rows: list[list[bytes]] = field(default_factory=list)  # the partial tile of each level

    @classmethod
    def at(
        cls,
        size: int,
        row: Callable[[int, int, int], list[bytes]],
        on_tile: Callable[[int, int, list[bytes]], None] = _ignore,
    ) -> Growing:
        """Take a tree up where it was left.

        Args:
            size: leaves it had.
            row: reads the hashes of a partial tile, given level, number and width.
            on_tile: told each full tile.
        """
        rows, level = [], 0
        while size >> 8 * level:
            n, width = divmod(size >> 8 * level, TILE_WIDTH)
            rows.append(row(level, n, width) if width else [])
            level += 1
        return cls(on_tile=on_tile, size=size, rows=rows)

    def add(self, leaves: list[bytes]) -> None:
        """Append leaf hashes that all fall into the same tile."""
        self.size += len(leaves)
        level, hashes = 0, leaves
        while hashes:
            if level == len(self.rows):
                self.rows.append([])
            row = self.rows[level]
            row += hashes
            if len(row) < TILE_WIDTH:
                return
            self.on_tile(level, (self.size >> 8 * (level + 1)) - 1, row)
            hashes, self.rows[level] = [_full_root(row)], []
            level += 1

    def root(self) -> bytes:
        """Return the root over all leaves."""
        roots = [root for row in reversed(self.rows) for root in _subtree_roots(row)]
        if not roots:
            return _EMPTY
        above = roots.pop()
        while roots:
            above = _node(roots.pop(), above)
        return above


def _subtree_roots(row: list[bytes]) -> list[bytes]:
    """Return the roots of the full subtrees over a row, larger ones first."""
    roots, at, width = [], 0, TILE_WIDTH
    while at < len(row):
        while width > len(row) - at:
            width //= 2
        roots.append(_full_root(row[at : at + width]))
        at += width
    return roots


def _full_root(row: list[bytes]) -> bytes:
    """Return the root over a power of two of hashes."""
    sha256 = hashlib.sha256
    while len(row) > 1:
        row = [
            sha256(b"\x01" + left + right).digest()
            for left, right in zip(row[::2], row[1::2], strict=True)
        ]
    return row[0]


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def hashes_of(tile: bytes, width: int) -> list[bytes]:
    """Cut a tile into its hashes.

    Raises:
        LogInvalid: it has another width.
    """
    if len(tile) != width * HASH_BYTES:
        raise LogInvalid(f"a tile does not hold {width} hashes")
    return [tile[at : at + HASH_BYTES] for at in range(0, len(tile), HASH_BYTES)]
