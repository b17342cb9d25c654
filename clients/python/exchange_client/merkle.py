"""The RFC 6962 tree as a verifier needs it: roots, inclusion, consistency.

Written from the recursive definitions of the RFC, apart from the exchange's own code: whoever
checks a proof must not run the prover's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from exchange_client.errors import InclusionInvalid

HASH_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeHead:
    """What a checkpoint says of a tree: how many leaves, and the root over them."""

    size: int
    root: bytes  # 32 bytes


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of one entry."""
    return hashlib.sha256(b"\x00" + entry).digest()


def root_of_leaves(entries: Iterable[bytes]) -> bytes:
    """Return the root over these entries, read once and in order."""
    waiting: list[tuple[int, bytes]] = []  # (leaves below, root), each larger than the next
    for entry in entries:
        count, right = 1, leaf_hash(entry)
        while waiting and waiting[-1][0] == count:
            right = _node(waiting.pop()[1], right)
            count *= 2
        waiting.append((count, right))
    if not waiting:
        return hashlib.sha256(b"").digest()
    root = waiting.pop()[1]
    while waiting:
        root = _node(waiting.pop()[1], root)
    return root


def verify_inclusion(leaf: bytes, index: int, head: TreeHead, path: Sequence[bytes]) -> None:
    """Check that a leaf hash stands at an index of the tree.

    Raises:
        InclusionInvalid: the path does not lead from this leaf to this root, or has another length.

    Source: RFC 6962, section 2.1.1 (MTH and PATH, followed from the root down).
    """
    left = _check(path, [leaf, head.root])
    if not 0 <= index < head.size:
        raise InclusionInvalid("the index lies outside the tree")
    if _root_above(leaf, index, head.size, left) != head.root or left:
        raise InclusionInvalid("the path leads elsewhere or is too long")


def verify_consistency(old: TreeHead, new: TreeHead, path: Sequence[bytes]) -> None:
    """Check that the older tree is a prefix of the newer.

    Raises:
        InclusionInvalid: it is not shown to be.

    Source: RFC 6962, section 2.1.2 (PROOF and SUBPROOF, followed from the root down).
    """
    left = _check(path, [old.root, new.root])
    if old.size > new.size:
        raise InclusionInvalid("the older tree is the larger one")
    if old.size == 0:
        shown = (hashlib.sha256(b"").digest(), new.root)
    else:
        shown = _roots_above(old, old.size, new.size, left)
    if shown != (old.root, new.root) or left:
        raise InclusionInvalid("the older tree is not shown to be a prefix of the newer")


def _root_above(leaf: bytes, index: int, size: int, left: list[bytes]) -> bytes:
    """Compute the root over `size` leaves, taking siblings from the end of what is left."""
    if size == 1:
        return leaf
    sibling, half = _take(left), _half(size)
    if index < half:
        return _node(_root_above(leaf, index, half, left), sibling)
    return _node(sibling, _root_above(leaf, index - half, size - half, left))


def _roots_above(
    old: TreeHead, count: int, size: int, left: list[bytes], *, whole: bool = True
) -> tuple[bytes, bytes]:
    """Compute the roots over the first `count` and over all `size` leaves of a subtree.

    Args:
        old: the older tree, known to the verifier.
        count: leaves of the older tree in this subtree, 1 to `size`.
        size: leaves of the newer tree in this subtree.
        left: hashes of the path not used yet.
        whole: this subtree starts at leaf 0, so that the root of its `count` leaves is known.
    """
    if count == size:
        root = old.root if whole else _take(left)
        return root, root
    sibling, half = _take(left), _half(size)
    if count <= half:
        before, after = _roots_above(old, count, half, left, whole=whole)
        return before, _node(after, sibling)
    before, after = _roots_above(old, count - half, size - half, left, whole=False)
    return _node(sibling, before), _node(sibling, after)


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def _half(size: int) -> int:
    """Return the largest power of two below this size of two or more."""
    half = 1
    while half * 2 < size:
        half *= 2
    return half


def _take(left: list[bytes]) -> bytes:
    if not left:
        raise InclusionInvalid("the path is too short")
    return left.pop()


def _check(path: Sequence[bytes], others: list[bytes]) -> list[bytes]:
    if any(len(node) != HASH_BYTES for node in [*path, *others]):
        raise InclusionInvalid("a hash has 32 bytes")
    return list(path)
