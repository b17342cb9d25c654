"""An export of a range of the log: which files it has, and what its manifest says.

The bundles of the range and the hash tiles around it lead to the signed root, so that whoever
holds the folder can compute it; the manifest is a note under the statement key.
Source: log.md, 11.
"""

from __future__ import annotations

import io
import tarfile
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256

from exchange.domain.leaves import JsonValue, Opening, Slot
from exchange.domain.merkle import HASH_BYTES, TILE_HEIGHT, Range, TreeHead
from exchange.domain.tiles import TILE_WIDTH, TileId, Tiles, tiles_for
from exchange.errors import InvalidField, TileDamaged

CHECKPOINT, CHECKPOINTS = "checkpoint", "checkpoints.ndjson"
OPENINGS, MANIFEST = "openings.ndjson", "manifest"
TAR_TYPE = "application/x-tar"
_LABEL = "credit-exchange/export/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportRange:
    """The leaves from `first` up to and without `end`, in the tree of one checkpoint."""

    first: int
    end: int
    size: int

    def __post_init__(self) -> None:
        if not 0 <= self.first < self.end <= self.size:
            raise InvalidField("a range lies within the log and is not empty", field="to_index")

    @property
    def bundles(self) -> Range:
        """The leaves of the whole bundles that the range touches."""
        first = self.first // TILE_WIDTH * TILE_WIDTH
        return first, min(self.size, -(-self.end // TILE_WIDTH) * TILE_WIDTH)

    def tiles(self) -> frozenset[TileId]:
        """Return the hash tiles that lead from those bundles to the root."""
        return tiles_for(_outside(0, self.size, self.bundles))

    def cut(self, tile: TileId, tiles: Tiles) -> bytes:
        """Return a tile as it was at this size.

        Raises:
            TileDamaged: it is missing or too short.
        """
        width = min(TILE_WIDTH, (self.size >> TILE_HEIGHT * tile.level) - tile.n * TILE_WIDTH)
        row = tiles.get(tile, b"")[: width * HASH_BYTES]
        if len(row) != width * HASH_BYTES:
            raise TileDamaged(f"{tile.path()} is missing or too short")
        return row


def _outside(first: int, end: int, inside: Range) -> Iterator[Range]:
    """Yield the subtrees of a tree that lie wholly outside of a range, cut as RFC 6962 cuts."""
    if end <= inside[0] or first >= inside[1]:
        yield first, end
    elif first < inside[0] or end > inside[1]:
        middle = first + (1 << (end - first - 1).bit_length() - 1)
        yield from _outside(first, middle, inside)
        yield from _outside(middle, end, inside)


def manifest_text(
    origin: str, exported: ExportRange, head: TreeHead, files: Mapping[str, bytes]
) -> str:
    """Write the text of a manifest."""
    lines = [
        _LABEL,
        f"origin {origin}",
        f"range {exported.first} {exported.end}",
        f"size {head.size}",
        f"root {b64encode(head.root).decode()}",
        *(f"file {sha256(files[name]).hexdigest()} {name}" for name in sorted(files)),
    ]
    return "\n".join(lines) + "\n"


def opened_slot(opening: Opening) -> dict[str, JsonValue]:
    """Write an opened slot of an export's line."""
    return {"payload": opening.payload.decode(), "salt": b64encode(opening.salt).decode()}


def closed_slots(entry: bytes) -> dict[str, JsonValue]:
    """Write the slots of a leaf that nobody can open: what its entry commits to."""
    _, subject, audit, _ = entry.decode().split("\n")
    return {Slot.SUBJECT.value: {"c": subject}, Slot.AUDIT.value: {"c": audit}}


def packed(files: Mapping[str, bytes]) -> bytes:
    """Pack an export as a tar; the same files always give the same bytes."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in sorted(files):
            member = tarfile.TarInfo(name)
            member.size = len(files[name])
            tar.addfile(member, io.BytesIO(files[name]))
    return written.getvalue()
