"""The verifier's tree against the prover's: two implementations, one log."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.domain import merkle as prover
from exchange.domain import tiles
from exchange.errors import InvalidProof
from exchange_client import merkle
from exchange_client.errors import InclusionInvalid
from exchange_client.merkle import TreeHead

VECTOR = json.loads((Path(__file__).parents[1] / "vectors/access_log_v1.json").read_text())
HASHES = [bytes.fromhex(leaf["leaf_hash"]) for leaf in VECTOR["leaves"]]
ENTRIES = [b"%d" % n for n in range(600)]
MANY = [merkle.leaf_hash(entry) for entry in ENTRIES]
GROWTH = prover.NO_LEAVES.grown(MANY)
TILES = tiles.grown_tiles(0, GROWTH.fresh, {})
sizes = st.integers(min_value=0, max_value=len(MANY))


def root(size: int) -> bytes:
    return prover.root(MANY[:size])


def head(size: int) -> TreeHead:
    return TreeHead(size=size, root=root(size))


def heads(size: int) -> prover.TreeHead:
    return prover.TreeHead(size=size, root=root(size))


def vector_head(size: int) -> TreeHead:
    return TreeHead(size=size, root=bytes.fromhex(VECTOR["roots"][str(size)]))


def made(ranges: tuple[tuple[int, int], ...]) -> list[bytes]:
    return [tiles.range_root(each, TILES) for each in ranges]


@given(sizes)
def test_both_sides_compute_the_same_root(size: int) -> None:
    """A member could not check the root of the rows it uploaded."""
    found = merkle.root_of_leaves(iter(ENTRIES[:size]))

    assert root(size) == found


@pytest.mark.parametrize("size", range(6))
def test_the_worked_example_has_the_roots_it_was_published_with(size: int) -> None:
    """The SDK must agree with the design, and not only with today's server."""
    entries = [leaf["entry"].encode() for leaf in VECTOR["leaves"][:size]]

    assert VECTOR["roots"][str(size)] == merkle.root_of_leaves(entries).hex()


def test_the_worked_examples_proofs_verify() -> None:
    """The SDK would refuse honest proofs."""
    for each in VECTOR["inclusion"]:
        path = [bytes.fromhex(node) for node in each["path"]]
        merkle.verify_inclusion(HASHES[each["index"]], each["index"], vector_head(5), path)
    for each in VECTOR["consistency"]:
        path = [bytes.fromhex(node) for node in each["path"]]
        merkle.verify_consistency(vector_head(each["old"]), vector_head(each["new"]), path)


@given(sizes.filter(bool), st.data())
def test_what_the_exchange_proves_the_sdk_accepts(size: int, data: st.DataObject) -> None:
    """A member would lose the evidence of its own look."""
    index = data.draw(st.integers(min_value=0, max_value=size - 1))
    path = made(prover.inclusion_ranges(index, size))

    merkle.verify_inclusion(MANY[index], index, head(size), path)

    with pytest.raises(InclusionInvalid):
        merkle.verify_inclusion(MANY[index], index, head(size), [*path, MANY[0]])
    with pytest.raises(InclusionInvalid):
        merkle.verify_inclusion(MANY[index - 1] + b"x", index, head(size), path)
    with pytest.raises(InclusionInvalid):
        merkle.verify_inclusion(MANY[index], size, head(size), path)


@given(sizes, st.data())
def test_what_the_exchange_shows_to_be_a_prefix_the_sdk_accepts(
    new: int, data: st.DataObject
) -> None:
    """A grown log would be taken for a rewritten one."""
    old = data.draw(st.integers(min_value=0, max_value=new))
    path = made(prover.consistency_ranges(old, new))

    merkle.verify_consistency(head(old), head(new), path)

    with pytest.raises(InclusionInvalid):
        merkle.verify_consistency(head(old), head(new), [*path, MANY[0]])


def test_hashes_cut_elsewhere_are_refused_though_their_root_matches() -> None:
    """A leaf of 31 bytes and a sibling of 33 have the parent of the two true ones."""
    leaf, sibling = MANY[0][:31], MANY[0][31:] + MANY[1]

    with pytest.raises(InclusionInvalid):
        merkle.verify_inclusion(leaf, 0, head(2), [sibling])


def refuses(check: Callable[[], None], error: type[Exception]) -> bool:
    try:
        check()
    except error:
        return True
    return False


@given(sizes, sizes, st.data())
def test_both_sides_refuse_the_same_proofs(first: int, second: int, data: st.DataObject) -> None:
    """A proof that one verifier takes and another refuses settles no dispute."""
    index = data.draw(sizes)
    paths = [[], made(prover.consistency_ranges(*sorted((first, second))))]
    if index < second:
        paths.append(made(prover.inclusion_ranges(index, second)))
    path = data.draw(st.sampled_from(paths))
    change = data.draw(st.sampled_from(["none", "drop", "swap", "flip", "short"]))
    if path and change == "drop":
        path.pop(data.draw(st.integers(min_value=0, max_value=len(path) - 1)))
    elif path and change == "swap":
        path.reverse()
    elif path and change == "flip":
        path[-1] = sha256(path[-1]).digest()
    elif path and change == "short":
        path[0] = path[0][1:]

    leaf = MANY[index % len(MANY)]

    ours = [
        refuses(
            lambda: merkle.verify_consistency(head(first), head(second), path), InclusionInvalid
        ),
        refuses(
            lambda: merkle.verify_inclusion(leaf, index, head(second), path),
            InclusionInvalid,
        ),
    ]

    theirs = [
        refuses(lambda: prover.verify_consistency(heads(first), heads(second), path), InvalidProof),
        refuses(
            lambda: prover.verify_inclusion(leaf, index, path, heads(second)),
            InvalidProof,
        ),
    ]
    assert theirs == ours
