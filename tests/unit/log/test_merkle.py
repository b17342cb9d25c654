"""The tree of the access log against the RFC's own definitions, written out naively."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from exchange.domain import merkle
from exchange.domain.merkle import NO_LEAVES, Edge, TreeHead
from exchange.errors import InvalidProof, LogDamaged

VECTOR = json.loads((Path(__file__).parents[2] / "vectors/access_log_v1.json").read_text())
HASHES = [bytes.fromhex(leaf["leaf_hash"]) for leaf in VECTOR["leaves"]]
MANY = [sha256(b"%d" % n).digest() for n in range(700)]  # crosses two tiles
sizes = st.integers(min_value=1, max_value=len(MANY))


def naive_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962, section 2.1, word for word."""
    n = len(leaves)
    if n == 0:
        return sha256(b"").digest()
    if n == 1:
        return leaves[0]
    k = max(1 << power for power in range(n.bit_length()) if 1 << power < n)
    return sha256(b"\x01" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


def naive_path(m: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of RFC 6962, section 2.1.1, word for word."""
    n = len(leaves)
    if n == 1:
        return []
    k = max(1 << power for power in range(n.bit_length()) if 1 << power < n)
    if m < k:
        return [*naive_path(m, leaves[:k]), naive_root(leaves[k:])]
    return [*naive_path(m - k, leaves[k:]), naive_root(leaves[:k])]


def naive_proof(m: int, leaves: list[bytes], *, known: bool = True) -> list[bytes]:
    """SUBPROOF of RFC 6962, section 2.1.2, word for word."""
    n = len(leaves)
    if m == n:
        return [] if known else [naive_root(leaves)]
    k = max(1 << power for power in range(n.bit_length()) if 1 << power < n)
    if m <= k:
        return [*naive_proof(m, leaves[:k], known=known), naive_root(leaves[k:])]
    return [*naive_proof(m - k, leaves[k:], known=False), naive_root(leaves[:k])]


def head(size: int) -> TreeHead:
    return TreeHead(size=size, root=naive_root(MANY[:size]))


def range_roots(ranges: tuple[tuple[int, int], ...]) -> list[bytes]:
    return [naive_root(MANY[first:end]) for first, end in ranges]


@pytest.mark.parametrize("size", range(6))
def test_the_worked_example_has_the_roots_it_was_published_with(size: int) -> None:
    """Another language checks itself against these numbers; a wrong one forks every verifier."""
    found = merkle.root(HASHES[:size])

    assert VECTOR["roots"][str(size)] == found.hex()


@given(st.lists(st.integers(min_value=0, max_value=300), max_size=6))
def test_an_edge_grown_in_any_steps_has_the_root_of_the_whole(steps: list[int]) -> None:
    """A batch cut elsewhere would otherwise sign another tree."""
    edge, done = NO_LEAVES, 0

    for step in steps:
        edge = edge.grown(MANY[done : done + step]).edge
        done = min(done + step, len(MANY))

    assert naive_root(MANY[:done]) == edge.root()
    assert (done, done.bit_count()) == (edge.size, len(edge.hashes))


@pytest.mark.parametrize(
    ("size", "hashes"),
    [(1, ()), (2, (MANY[0], MANY[1])), (-1, ()), (1, (b"short",)), (0, (MANY[0],))],
)
def test_an_edge_that_fits_no_size_refuses_to_exist(size: int, hashes: tuple[bytes, ...]) -> None:
    """A truncated edge would be signed as a smaller tree's root."""
    with pytest.raises(LogDamaged):
        Edge(size=size, hashes=hashes)


@given(sizes, st.data())
def test_every_leaf_of_every_size_is_proven(size: int, data: st.DataObject) -> None:
    """A member could not show that it asked before it paid out."""
    index = data.draw(st.integers(min_value=0, max_value=size - 1))

    path = range_roots(merkle.inclusion_ranges(index, size))

    assert naive_path(index, MANY[:size]) == path
    merkle.verify_inclusion(MANY[index], index, path, head(size))


@given(sizes, st.data())
def test_a_path_changed_anywhere_proves_nothing(size: int, data: st.DataObject) -> None:
    """A forged proof would make a look appear that was never logged."""
    index = data.draw(st.integers(min_value=0, max_value=size - 1))
    path = naive_path(index, MANY[:size])
    other = data.draw(st.sampled_from(forgeries(path)))
    assume(other != path)

    with pytest.raises(InvalidProof):
        merkle.verify_inclusion(MANY[index], index, other, head(size))


def forgeries(path: list[bytes]) -> list[list[bytes]]:
    """A path with one hash more, one less, one doubled, one flipped, one cut short, reversed."""
    flipped = bytes([path[0][0] ^ 1]) + path[0][1:] if path else MANY[0]
    return [
        [*path, MANY[0]],
        path[:-1],
        [*path, *path[-1:]],
        [flipped, *path[1:]],
        [path[0][:31] if path else b"", *path[1:]],
        path[::-1],
    ]


@given(sizes, st.data())
def test_a_leaf_is_proven_at_its_own_index_only(size: int, data: st.DataObject) -> None:
    """One leaf shown under two indices would count as two looks."""
    index = data.draw(st.integers(min_value=0, max_value=size - 1))
    other = data.draw(st.integers(min_value=-1, max_value=size + 1).filter(lambda n: n != index))

    with pytest.raises(InvalidProof):
        merkle.verify_inclusion(MANY[index], other, naive_path(index, MANY[:size]), head(size))


@given(sizes, st.data())
def test_every_older_tree_is_shown_to_be_a_prefix(new: int, data: st.DataObject) -> None:
    """Without it nobody could tell a grown log from a rewritten one."""
    old = data.draw(st.integers(min_value=0, max_value=new))

    path = range_roots(merkle.consistency_ranges(old, new))

    assert ([] if old == 0 else naive_proof(old, MANY[:new])) == path
    merkle.verify_consistency(head(old), head(new), path)


@given(sizes, st.data())
def test_a_rewritten_tree_is_no_prefix(new: int, data: st.DataObject) -> None:
    """An operator who drops a look would pass for honest."""
    old = data.draw(st.integers(min_value=1, max_value=new))
    rewritten = TreeHead(size=old, root=naive_root([*MANY[: old - 1], MANY[-1]][::-1]))
    path = [] if old == new else naive_proof(old, MANY[:new])
    assume(rewritten != head(old))

    with pytest.raises(InvalidProof):
        merkle.verify_consistency(rewritten, head(new), path)


@given(sizes, st.data())
def test_a_consistency_path_changed_anywhere_proves_nothing(new: int, data: st.DataObject) -> None:
    """A forged path would hide a fork."""
    old = data.draw(st.integers(min_value=0, max_value=new))
    path = [] if old == 0 else naive_proof(old, MANY[:new])
    other = data.draw(st.sampled_from(forgeries(path)))
    assume(other != path)

    with pytest.raises(InvalidProof):
        merkle.verify_consistency(head(old), head(new), other)


def test_an_older_tree_that_is_larger_is_refused() -> None:
    """A rolled-back log would pass for a grown one."""
    with pytest.raises(InvalidProof):
        merkle.verify_consistency(head(5), head(3), naive_proof(3, MANY[:5]))
    with pytest.raises(InvalidProof):
        merkle.consistency_ranges(5, 3)
    with pytest.raises(InvalidProof):
        merkle.inclusion_ranges(5, 5)


A, B, C, D = MANY[:4]
AB = merkle.node_hash(A, B)


@pytest.mark.parametrize(
    ("leaf", "path", "size", "root"),
    [
        (A, [B], 1, merkle.node_hash(B, A)),  # too long
        (A, [], 2, A),  # too short
        (A[:31], [A[31:] + B], 2, AB),  # cut elsewhere: the hash above is the same
    ],
    ids=["too long", "too short", "cut elsewhere"],
)
def test_a_path_of_another_form_is_refused_though_its_root_matches(
    leaf: bytes, path: list[bytes], size: int, root: bytes
) -> None:
    """Whoever makes both proof and root would show a leaf that stands nowhere."""
    with pytest.raises(InvalidProof):
        merkle.verify_inclusion(leaf, 0, path, TreeHead(size=size, root=root))


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        (  # too long
            [C, D, AB, A],
            merkle.node_hash(A, merkle.node_hash(AB, C)),
            merkle.node_hash(A, merkle.node_hash(AB, merkle.node_hash(C, D))),
        ),
        ([C], C, C),  # too short
    ],
    ids=["too long", "too short"],
)
def test_a_consistency_path_of_another_length_is_refused_though_its_roots_match(
    path: list[bytes], old: bytes, new: bytes
) -> None:
    """Whoever makes both proof and roots would show a fork as growth."""
    with pytest.raises(InvalidProof):
        merkle.verify_consistency(TreeHead(size=3, root=old), TreeHead(size=4, root=new), path)


@pytest.mark.parametrize(("size", "root"), [(0, MANY[0]), (-1, MANY[0]), (3, b"short")])
def test_a_tree_head_that_cannot_be_refuses_to_exist(size: int, root: bytes) -> None:
    """An empty log with a root of its own would let anything follow it."""
    with pytest.raises(InvalidProof):
        TreeHead(size=size, root=root)
