"""The root over an export: entries of its range, hash tiles around it.

Follows the recursive definition of RFC 6962, section 2.1, from the root down: a part of the tree
inside the bundles is hashed from entries, a full subtree outside is looked up in a tile.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from exchange_client.audit.manifest import Manifest
from exchange_client.errors import LogInvalid
from exchange_client.log.tiles import (
    TILE_WIDTH,
    bundle_widths,
    entries_of,
    hashes_of,
    leaf_hashes,
    tile_path,
)


def export_root(files: Mapping[str, bytes], manifest: Manifest) -> tuple[dict[int, bytes], bytes]:
    """Return the entries of an export by index, and the root they lead to.

    Raises:
        LogInvalid: a bundle or tile is missing or of another length.
    """
    start = manifest.first // TILE_WIDTH * TILE_WIDTH
    stop = min(manifest.size, -(-manifest.end // TILE_WIDTH) * TILE_WIDTH)
    entries: list[bytes] = []
    for n, width in bundle_widths(start, stop):
        width = min(TILE_WIDTH, manifest.size - n * TILE_WIDTH)
        entries += entries_of(_file(files, tile_path("entries", n, width)), width)
    tree = _Tree(files=files, size=manifest.size, start=start, leaves=leaf_hashes(entries))
    return dict(enumerate(entries, start)), tree.root(0, manifest.size)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tree:
    files: Mapping[str, bytes]
    size: int
    start: int  # index of the first of `leaves`
    leaves: list[bytes]

    def root(self, first: int, end: int) -> bytes:
        """Return the root over the leaves from `first` up to `end`."""
        count, stop = end - first, self.start + len(self.leaves)
        outside = end <= self.start or first >= stop
        if outside and count.bit_count() == 1:
            return self._kept(first, count.bit_length() - 1)
        if count == 1:
            return self.leaves[first - self.start]
        middle = first + (1 << (count - 1).bit_length() - 1)
        left, right = self.root(first, middle), self.root(middle, end)
        return hashlib.sha256(b"\x01" + left + right).digest()

    def _kept(self, first: int, height: int) -> bytes:
        """Return the root of a full subtree from the tile that holds it or its leaves."""
        level, above = divmod(height, 8)
        n, at = divmod(first >> 8 * level, TILE_WIDTH)
        width = min(TILE_WIDTH, (self.size >> 8 * level) - n * TILE_WIDTH)
        row = hashes_of(_file(self.files, tile_path(level, n, width)), width)
        row = row[at : at + (1 << above)]
        while len(row) > 1:
            pairs = zip(row[::2], row[1::2], strict=True)
            row = [hashlib.sha256(b"\x01" + left + right).digest() for left, right in pairs]
        return row[0]


def _file(files: Mapping[str, bytes], path: str) -> bytes:
    if path not in files:
        raise LogInvalid(f"(3) {path}: missing")
    return files[path]
