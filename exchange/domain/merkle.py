"""The RFC 6962 tree: hashes, the right edge that grows, the ranges of a proof, both verifiers.

In:  leaf hashes in the order of their index.
Out: roots, edges, the hashes that go into tiles, verdicts on proofs.
Not here: entries and what they commit to (leaves.py), stored tiles (tiles.py), signatures.

A *range* is the leaves from `first` up to and without `end`. A *full subtree* is a range of
2^height leaves that starts at a multiple of its length. Every range met here is a row of full
subtrees, larger ones first, and its root folds theirs from the right: that carries an odd last
node up instead of doubling it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeAlias

from exchange.errors import InvalidProof, LogDamaged

HASH_BYTES = 32
TILE_HEIGHT = 8  # levels of the tree under one level of tiles
EMPTY_ROOT = sha256(b"").digest()

Range: TypeAlias = tuple[int, int]


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of one entry. Source: RFC 6962, section 2.1."""
    return sha256(b"\x00" + entry).digest()


def line_hashes(entries: Sequence[bytes]) -> list[bytes]:
    """Return the hash of each of many entries."""
    return [sha256(b"\x00" + entry).digest() for entry in entries]


def leaf_hashes(entries: bytes, length: int) -> list[bytes]:
    """Return the hashes of entries of one length that stand one after the other."""
    cut = range(0, len(entries), length)
    return [sha256(b"\x00" + entries[at : at + length]).digest() for at in cut]


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of the node above these two. Source: RFC 6962, section 2.1."""
    return sha256(b"\x01" + left + right).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """Return the root over these leaf hashes."""
    return NO_LEAVES.grown(leaves).edge.root()


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeHead:
    """What a checkpoint says of a tree."""

    size: int  # leaves
    root: bytes  # 32 bytes

    def __post_init__(self) -> None:
        if (
            self.size < 0
            or len(self.root) != HASH_BYTES
            or (self.size == 0 and self.root != EMPTY_ROOT)
        ):
            raise InvalidProof("a tree has a size from 0 and a root of 32 bytes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """All that must be kept of a tree to grow it: the roots of its full subtrees."""

    size: int  # leaves
    hashes: tuple[bytes, ...]  # larger subtrees first, one for each 1 in the binary size

    def __post_init__(self) -> None:
        wrong = any(len(node) != HASH_BYTES for node in self.hashes)
        if self.size < 0 or wrong or len(self.hashes) != self.size.bit_count():
            raise LogDamaged("an edge holds one 32-byte hash for each 1 in the binary size")

    def root(self) -> bytes:
        """Return the root of the whole tree."""
        return fold(self.hashes) if self.hashes else EMPTY_ROOT

    def grown(self, leaves: Sequence[bytes]) -> Growth:
        """Append leaf hashes, level by level, each node hashed once."""
        below, kept, fresh = list(self.hashes), [], []
        nodes, height = list(leaves), 0
        while nodes or below:
            if height % TILE_HEIGHT == 0:
                fresh.append(b"".join(nodes))
            if self.size >> height & 1:  # The edge has a node here that waits for its neighbour.
                nodes.insert(0, below.pop())
            if len(nodes) & 1:
                kept.append(nodes.pop())
            nodes, height = parents(nodes), height + 1
        edge = Edge(size=self.size + len(leaves), hashes=tuple(reversed(kept)))
        return Growth(edge=edge, fresh=tuple(fresh))


NO_LEAVES = Edge(size=0, hashes=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """What an append made: the new edge, and at each level of tiles the hashes to append there."""

    edge: Edge
    fresh: tuple[bytes, ...]  # by level of tiles; 32 bytes a hash


def inclusion_ranges(index: int, size: int) -> tuple[Range, ...]:
    """Return the ranges whose roots prove leaf `index` in a tree of `size`, lowest first.

    Source: RFC 6962, section 2.1.1 (PATH).
    """
    if not 0 <= index < size:
        raise InvalidProof("the index must lie within the tree")
    first, end, path = 0, size, []
    while end - first > 1:
        middle = first + _split(end - first)
        if index < middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((first, middle))
            first = middle
    return tuple(reversed(path))


def consistency_ranges(old: int, new: int) -> tuple[Range, ...]:
    """Return the ranges whose roots prove that the tree of `old` leaves is a prefix of `new`.

    Source: RFC 6962, section 2.1.2 (PROOF, SUBPROOF).
    """
    if not 0 <= old <= new:
        raise InvalidProof("the older tree must not be the larger one")
    if old in (0, new):
        return ()
    first, end, path = 0, new, []
    while end > old:
        middle = first + _split(end - first)
        if old <= middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((first, middle))
            first = middle
    if first:  # SUBPROOF(m, D[m], false); with `true` the verifier knows this root.
        path.append((first, end))
    return tuple(reversed(path))


def verify_inclusion(leaf: bytes, index: int, path: Sequence[bytes], head: TreeHead) -> None:
    """Refuse a path that does not show this leaf hash at this index of this tree.

    Raises:
        InvalidProof: it does not.

    Source: RFC 9162, section 2.1.3.2; the numbers are its steps.
    """
    _only_hashes([leaf, *path])
    if not 0 <= index < head.size:  # 1
        raise InvalidProof("the index must lie within the tree")
    fn, sn, r = index, head.size - 1, leaf  # 2, 3
    for p in path:  # 4
        if sn == 0:  # 4a
            raise InvalidProof("the path is too long")
        if fn & 1 or fn == sn:  # 4b
            r = node_hash(p, r)
            fn, sn = _to_right_child(fn, sn)
        else:
            r = node_hash(r, p)
        fn, sn = fn >> 1, sn >> 1  # 4c
    if sn != 0 or r != head.root:  # 5
        raise InvalidProof("the path is too short or leads to another root")


def verify_consistency(old: TreeHead, new: TreeHead, path: Sequence[bytes]) -> None:
    """Refuse a path that does not show that the older tree is a prefix of the newer.

    Raises:
        InvalidProof: it does not.

    Source: RFC 9162, section 2.1.4.2; the numbers are its steps.
    """
    _only_hashes(path)
    if old.size > new.size or (old.size == new.size and old.root != new.root):
        raise InvalidProof("the older tree must be a prefix of the newer")
    if old.size in (0, new.size):
        if path:
            raise InvalidProof("trees of these sizes need no path")
        return
    if not path:  # 1
        raise InvalidProof("the path is empty")
    row = [old.root, *path] if old.size.bit_count() == 1 else path  # 2
    if _both_roots(old.size - 1, new.size - 1, row) != (old.root, new.root, 0):  # 7
        raise InvalidProof("the path is too short or leads to other roots")


def _both_roots(fn: int, sn: int, row: Sequence[bytes]) -> tuple[bytes, bytes, int]:
    """Carry out steps 3 to 6 of RFC 9162, section 2.1.4.2: (old root, new root, sn)."""
    while fn & 1:  # 4
        fn, sn = fn >> 1, sn >> 1
    fr = sr = row[0]  # 5
    for c in row[1:]:  # 6
        if sn == 0:  # 6a
            raise InvalidProof("the path is too long")
        if fn & 1 or fn == sn:  # 6b
            fr, sr = node_hash(c, fr), node_hash(c, sr)
            fn, sn = _to_right_child(fn, sn)
        else:
            sr = node_hash(sr, c)
        fn, sn = fn >> 1, sn >> 1  # 6c
    return fr, sr, sn


def _to_right_child(fn: int, sn: int) -> tuple[int, int]:
    """Skip the levels on which a last node is carried up: RFC 9162, steps 4b ii and 6b ii."""
    while fn and not fn & 1:
        fn, sn = fn >> 1, sn >> 1
    return fn, sn


def _only_hashes(path: Iterable[bytes]) -> None:
    if any(len(node) != HASH_BYTES for node in path):
        raise InvalidProof("a hash has 32 bytes")


def _split(count: int) -> int:
    """Return the largest power of two below this count of two or more."""
    return 1 << (count - 1).bit_length() - 1


def parents(nodes: Sequence[bytes]) -> list[bytes]:
    """Hash neighbours two by two: the innermost loop of every append."""
    each = iter(nodes)
    pairs = zip(each, each, strict=True)
    return [sha256(b"\x01" + left + right).digest() for left, right in pairs]


def fold(roots: Sequence[bytes]) -> bytes:
    """Return the root over neighbouring full subtrees, larger ones first."""
    above = roots[-1]
    for left in roots[-2::-1]:
        above = node_hash(left, above)
    return above


def full_subtrees(first: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the full subtrees of a range, larger ones first, as (first leaf, height)."""
    while first < end:
        height = (end - first).bit_length() - 1
        yield first, height
        first += 1 << height
