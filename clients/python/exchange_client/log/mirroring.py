"""Mirror a log: pull what is new, verify everything, keep it; never follow a fork.

In:  a source, a folder, pinned keys.
Out: a folder that `cx log verify` and every C2SP tool can read, and every checkpoint ever taken.
Order: entries and tiles are durable before the checkpoint that covers them is, so that a mirror
that was killed goes on from its last checkpoint and fetches no full bundle twice.

What must hold before a checkpoint is kept, by the numbers in the code:
1. it is signed by a log of the policy and a quorum of witnesses, and so is the one held;
2. it is of the same log, and where sizes agree roots do; a smaller one is a prefix of ours;
3. what is held has the root of the checkpoint held;
4. the new entries lead from there to the new root, and its hash tiles follow from them.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from exchange_client.errors import LogForked, LogInvalid, UsageError
from exchange_client.log.policy import Policy, Witnessed
from exchange_client.log.sources import Folder, Source
from exchange_client.log.tiles import (
    BUNDLE_BYTES_MAX,
    TILE_BYTES_MAX,
    TILE_WIDTH,
    Growing,
    bundle_widths,
    entries_of,
    hashes_of,
    leaf_hashes,
    tile_path,
)
from exchange_client.log.verifying import (
    CHECKPOINT,
    check_tile,
    fetch_bundle,
    fetch_checkpoint,
)
from exchange_client.notes import NOTE_BYTES_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirrored:
    """What a pull brought."""

    before: int  # entries held
    after: int  # entries held now
    witnessed: Witnessed  # the newest checkpoint held


def mirror_log(
    source: Source, folder: Path, policy: Policy, on_entries: Callable[[int], None]
) -> Mirrored:
    """Pull a log into a folder.

    Args:
        source: the log, or another mirror of it.
        folder: the mirror; made if it is not there.
        policy: the pinned keys.
        on_entries: told how many entries are held so far.

    Raises:
        LogForked: the source signed another history than the one held; both notes are in it.
        InclusionInvalid: a checkpoint does not verify.
        LogInvalid: entries or tiles are missing, or not what was signed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    held = _held(folder, policy)
    offered = policy.open(fetch_checkpoint(source))  # 1
    if held is not None:
        _check_agrees(held, offered, folder)  # 2
    before = held.checkpoint.head.size if held else 0
    if held is not None and offered.checkpoint.head.size < before:
        return Mirrored(before=before, after=before, witnessed=held)
    _Pull(source=source, folder=folder, held=held, offered=offered, on_entries=on_entries).run()
    return Mirrored(before=before, after=offered.checkpoint.head.size, witnessed=offered)


@dataclass(slots=True, kw_only=True)
class _Pull:
    """One pull: from the checkpoint held to the one offered."""

    source: Source
    folder: Path
    held: Witnessed | None
    offered: Witnessed
    on_entries: Callable[[int], None]
    written: list[tuple[int, int, int]] = field(default_factory=list)  # level, number, width

    def run(self) -> None:
        """Bring the folder up to the offered checkpoint."""
        head = self.offered.checkpoint.head
        tree = self._tree(self._keep_tile)
        first = tree.size
        for n, width in bundle_widths(first, head.size):
            bundle = self._bundle(n, width)
            fresh = entries_of(bundle, width)[max(0, first - n * TILE_WIDTH) :]
            keep(self.folder / tile_path("entries", n, width), bundle)
            tree.add(leaf_hashes(fresh))
            self.on_entries(tree.size)
        if tree.root() != head.root:  # 4
            self._refuse(first)
        for level, row in enumerate(tree.rows):
            if row:
                self._keep_tile(level, tree.size >> 8 * (level + 1), row)
        for level, n, width in self.written:
            check_tile(self.source, level, n, self._row(level, n, width))
        keep(self.folder / "checkpoints" / f"{head.size:012}", self.offered.note)
        keep(self.folder / CHECKPOINT, self.offered.note)

    def _tree(self, on_tile: Callable[[int, int, list[bytes]], None]) -> Growing:
        """Take the tree up at the checkpoint held, from the tiles held."""
        if self.held is None:
            return Growing(on_tile=on_tile)
        head = self.held.checkpoint.head
        tree = Growing.at(head.size, self._row, on_tile)
        if tree.root() != head.root:  # 3
            raise LogInvalid("what the mirror holds is not what its checkpoint signs")
        return tree

    def _row(self, level: int, n: int, width: int) -> list[bytes]:
        path = tile_path(level, n, width)
        tile = Folder(self.folder).fetch(path, TILE_BYTES_MAX)
        if tile is None:
            raise LogInvalid(f"{path}: missing from the mirror")
        return hashes_of(tile, width)

    def _bundle(self, n: int, width: int) -> bytes:
        """Take a full bundle that an interrupted pull left, else fetch it."""
        path = tile_path("entries", n, width)
        left = None
        if width == TILE_WIDTH:
            left = Folder(self.folder).fetch(path, BUNDLE_BYTES_MAX)
        return left if left is not None else fetch_bundle(self.source, n, width)

    def _keep_tile(self, level: int, n: int, hashes: list[bytes]) -> None:
        keep(self.folder / tile_path(level, n, len(hashes)), b"".join(hashes))
        self.written.append((level, n, len(hashes)))

    def _refuse(self, first: int) -> None:
        """Refuse entries that do not lead to the signed root, and say what that proves.

        What this pull wrote is dropped, so that the next one fetches it anew. If the tiles lead
        from what is held to the signed root, the bundles are damaged; if not, it is a fork.
        """
        size = self.offered.checkpoint.head.size
        for n, width in bundle_widths(first, size):
            (self.folder / tile_path("entries", n, width)).unlink(missing_ok=True)
        if self.held is not None and not self._tiles_lead_on(first, size):
            raise LogForked(self.held.note, self.offered.note)
        raise LogInvalid("the root over the entries is not the one that was signed")

    def _tiles_lead_on(self, first: int, size: int) -> bool:
        """Tell whether the source's leaf hashes lead from what is held to the signed root."""
        tree = self._tree(lambda level, n, hashes: None)
        for n, width in bundle_widths(first, size):
            tile = self.source.fetch(tile_path(0, n, width), TILE_BYTES_MAX)
            if tile is None:
                return False
            tree.add(hashes_of(tile, width)[max(0, first - n * TILE_WIDTH) :])
        return tree.root() == self.offered.checkpoint.head.root


def _held(folder: Path, policy: Policy) -> Witnessed | None:
    note = Folder(folder).fetch(CHECKPOINT, NOTE_BYTES_MAX)
    return None if note is None else policy.open(note)


def _check_agrees(held: Witnessed, offered: Witnessed, folder: Path) -> None:
    """Refuse a checkpoint that contradicts the one held, as far as what is held can tell."""
    ours, theirs = held.checkpoint, offered.checkpoint
    if ours.origin != theirs.origin:
        raise UsageError("this folder mirrors another log")
    if theirs.head.size > ours.head.size:
        return  # Step 4 tells.
    if theirs.head.size == ours.head.size:
        root = ours.head.root
    else:
        root = _root_at(folder, theirs.head.size, ours.head.size)
    if root != theirs.head.root:
        raise LogForked(held.note, offered.note)


def _root_at(folder: Path, size: int, held: int) -> bytes:
    """Compute the root that the log had at a smaller size, from the entries held."""
    tree = Growing()
    for n, width in bundle_widths(0, held):
        entries = entries_of(fetch_bundle(Folder(folder), n, width), width)
        tree.add(leaf_hashes(entries[: max(0, size - n * TILE_WIDTH)]))
        if tree.size == size:
            break
    return tree.root()


def keep(place: Path, content: bytes) -> None:
    """Write a file, whole or not at all, and durably."""
    place.parent.mkdir(parents=True, exist_ok=True)
    partial = place.with_name(place.name + ".part")
    with partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, place)
