"""Tiles of the tree, as C2SP tlog-tiles cuts them: paths, widths, growth, and roots from them.

In:  the hashes an append made, and the partial tiles it widens; or tiles and ranges of leaves.
Out: tiles to store in their widest form; edges and roots computed from tiles alone.
Not here: where tiles are stored, who may fetch them.

Hash i of level L is the root over the leaves from i * 256^L up to (i + 1) * 256^L; a tile holds up
to 256 neighbours. Only full tiles are hashed upward. Source: C2SP tlog-tiles.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from exchange.domain.merkle import (
    HASH_BYTES,
    TILE_HEIGHT,
    Edge,
    Range,
    fold,
    full_subtrees,
    parents,
)
from exchange.errors import InvalidField, TileDamaged

TILE_WIDTH = 1 << TILE_HEIGHT  # hashes in a full tile
_PLACE = re.compile(r"((?:x[0-9]{3}/){0,4}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class TileId:
    """The place of a tile: level 0 holds leaf hashes, each level above the roots of full tiles."""

    level: int
    n: int

    def path(self, width: int = TILE_WIDTH) -> str:
        """Return the path of this tile, or of its first `width` hashes. Source: C2SP tlog-tiles."""
        return f"tile/{self.level}/{_grouped(self.n)}{_partial(width)}"


Tiles: TypeAlias = Mapping[TileId, bytes]


def entries_path(n: int, width: int = TILE_WIDTH) -> str:
    """Return the path of a bundle of entries. Source: C2SP tlog-tiles."""
    return f"tile/entries/{_grouped(n)}{_partial(width)}"


def bundle(entries: Iterable[bytes]) -> bytes:
    """Write entries as one bundle: each behind its length as 16 bits."""
    return b"".join([len(entry).to_bytes(2, "big") + entry for entry in entries])


def parse_place(text: str) -> tuple[int, int]:
    """Read what follows the level in a path: a tile's number and its width, in one spelling.

    Raises:
        InvalidField: it is no such path.
    """
    match = _PLACE.fullmatch(text)
    n = int(re.sub("[x/]", "", match[1])) if match else 0
    width = int(match[2] or TILE_WIDTH) if match else 0
    if match is None or _grouped(n) != match[1] or (match[2] and width >= TILE_WIDTH):
        raise InvalidField("must be groups of three digits, and a width below 256", field="tile")
    return n, width


def width_at(level: int, size: int) -> int:
    """Return how many hashes the partial tile of this level holds at this size, or 0."""
    return (size >> TILE_HEIGHT * level) % TILE_WIDTH


def partial_tiles(size: int) -> tuple[TileId, ...]:
    """Return the tiles that the next append widens: the newest of each level, unless full."""
    levels = range((size.bit_length() + TILE_HEIGHT - 1) // TILE_HEIGHT)
    return tuple(
        TileId(level, size >> TILE_HEIGHT * (level + 1))
        for level in levels
        if width_at(level, size)
    )


def grown_tiles(size: int, fresh: Sequence[bytes], partial: Tiles) -> dict[TileId, bytes]:
    """Return every tile that an append to a tree of this size writes, each in its widest form.

    Args:
        size: leaves before the append.
        fresh: the hashes that the append made, by level (`Growth.fresh`).
        partial: the tiles of `partial_tiles(size)`.
    """
    written: dict[TileId, bytes] = {}
    for level, hashes in enumerate(fresh):
        if not hashes:
            continue
        n, width = divmod(size >> TILE_HEIGHT * level, TILE_WIDTH)
        row = (_cut(partial, TileId(level, n), 0, width) if width else b"") + hashes
        for at in range(0, len(row), TILE_WIDTH * HASH_BYTES):
            written[TileId(level, n)] = row[at : at + TILE_WIDTH * HASH_BYTES]
            n += 1
    return written


def edge_of(size: int, tiles: Tiles) -> Edge:
    """Compute the edge of a tree of this size from its partial tiles alone.

    Raises:
        TileDamaged: a tile is missing or too short.
    """
    hashes = tuple(_subtree_root(first, height, tiles) for first, height in full_subtrees(0, size))
    return Edge(size=size, hashes=hashes)


def range_root(leaves: Range, tiles: Tiles) -> bytes:
    """Compute the root over a range from tiles.

    Raises:
        TileDamaged: a tile is missing or too short.
    """
    return fold([_subtree_root(first, height, tiles) for first, height in full_subtrees(*leaves)])


def tiles_for(ranges: Iterable[Range]) -> frozenset[TileId]:
    """Return the tiles from which the roots of these ranges can be computed."""
    return frozenset(
        _place(first, height)[0] for leaves in ranges for first, height in full_subtrees(*leaves)
    )


def _place(first: int, height: int) -> tuple[TileId, int, int]:
    """Say where the root of a full subtree can be computed: tile, first hash, count of hashes."""
    level, rest = divmod(height, TILE_HEIGHT)
    n, at = divmod(first >> TILE_HEIGHT * level, TILE_WIDTH)
    return TileId(level, n), at, 1 << rest


def _subtree_root(first: int, height: int, tiles: Tiles) -> bytes:
    tile, at, count = _place(first, height)
    row = _cut(tiles, tile, at, count)
    nodes = [row[i : i + HASH_BYTES] for i in range(0, len(row), HASH_BYTES)]
    while len(nodes) > 1:
        nodes = parents(nodes)
    return nodes[0]


def _cut(tiles: Tiles, tile: TileId, at: int, count: int) -> bytes:
    row = tiles.get(tile, b"")[at * HASH_BYTES : (at + count) * HASH_BYTES]
    if len(row) != count * HASH_BYTES:
        raise TileDamaged(f"{tile.path()} is missing or too short")
    return row


def _grouped(n: int) -> str:
    """Write a tile number in groups of three digits, all but the last marked with x."""
    groups = [f"{n % 1000:03}"]
    while n := n // 1000:
        groups.append(f"x{n % 1000:03}")
    return "/".join(reversed(groups))


def _partial(width: int) -> str:
    return "" if width == TILE_WIDTH else f".p/{width}"
