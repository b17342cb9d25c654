"""Tiles: what is stored and served, and that every proof can be made of it."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.domain import merkle, tiles
from exchange.domain.merkle import NO_LEAVES, Edge
from exchange.domain.tiles import TileId
from exchange.errors import LogDamaged

VECTOR = json.loads((Path(__file__).parents[2] / "vectors/access_log_v1.json").read_text())
MANY = [sha256(b"%d" % n).digest() for n in range(70_000)]


def grow(steps: list[int]) -> tuple[Edge, dict[TileId, bytes]]:
    """Grow a tree the way the sequencer does, in batches, keeping nothing but edge and tiles."""
    edge, stored = NO_LEAVES, dict[TileId, bytes]()
    for step in steps:
        growth = edge.grown(MANY[edge.size : edge.size + step])
        partial = {tile: stored[tile] for tile in tiles.partial_tiles(edge.size)}
        stored |= tiles.grown_tiles(edge.size, growth.fresh, partial)
        edge = growth.edge
    return edge, stored


@pytest.fixture(scope="module")
def seventy_thousand() -> tuple[Edge, dict[TileId, bytes]]:
    return grow([1, 255, 1, 65_279, 4_464])


def test_seventy_thousand_leaves_lie_in_the_tiles_that_the_specification_names(
    seventy_thousand: tuple[Edge, dict[TileId, bytes]],
) -> None:
    """A mirror asks for exactly these paths; others would be missing for ever."""
    _, stored = seventy_thousand

    found = {tile.path(len(row) // 32) for tile, row in stored.items()}

    expected = {f"tile/0/{n:03}" for n in range(273)} | {
        "tile/0/273.p/112",
        "tile/1/000",
        "tile/1/001.p/17",
        "tile/2/000.p/1",
    }
    assert expected == found


def test_two_hundred_and_fifty_six_leaves_make_a_full_tile_and_start_the_next_level() -> None:
    """The one size where a level starts and nothing is partial below it."""
    _, stored = grow([256])

    found = {tile.path(len(row) // 32) for tile, row in stored.items()}

    assert {"tile/0/000", "tile/1/000.p/1"} == found
    assert [0, 1, 0] == [tiles.width_at(level, 256) for level in range(3)]


@pytest.mark.parametrize(
    ("n", "path"),
    [(0, "000"), (7, "007"), (1_000, "x001/000"), (1_234_067, "x001/x234/067")],
)
def test_tile_numbers_are_grouped_in_threes(n: int, path: str) -> None:
    """Every C2SP client builds its addresses so."""
    assert f"tile/0/{path}" == TileId(0, n).path()
    assert f"tile/entries/{path}.p/5" == tiles.entries_path(n, 5)


@settings(max_examples=60)
@given(st.lists(st.integers(min_value=1, max_value=700), min_size=1, max_size=8))
def test_tiles_do_not_depend_on_how_the_batches_were_cut(steps: list[int]) -> None:
    """A sequencer that crashed and started over would leave another log behind."""
    edge, stored = grow(steps)

    assert grow([sum(steps)]) == (edge, stored)
    assert edge == tiles.edge_of(edge.size, stored)


@settings(max_examples=60)
@given(st.integers(min_value=1, max_value=3_000), st.data())
def test_every_proof_can_be_made_of_the_tiles_it_names(size: int, data: st.DataObject) -> None:
    """A receipt whose proof cannot be made later is worth nothing."""
    _, stored = grow([size, 300])
    index = data.draw(st.integers(min_value=0, max_value=size - 1))
    ranges = merkle.inclusion_ranges(index, size)
    fetched = {tile: stored[tile] for tile in tiles.tiles_for([*ranges, (0, size)])}

    path = [tiles.range_root(each, fetched) for each in ranges]

    head = merkle.TreeHead(size=size, root=tiles.range_root((0, size), fetched))
    assert merkle.root(MANY[:size]) == head.root
    merkle.verify_inclusion(MANY[index], index, path, head)


def test_proofs_in_a_tree_of_three_levels_hold(
    seventy_thousand: tuple[Edge, dict[TileId, bytes]],
) -> None:
    """The levels above the second are reached by no small test."""
    edge, stored = seventy_thousand
    head = merkle.TreeHead(size=edge.size, root=edge.root())

    for index in (0, 255, 256, 65_535, 65_536, 69_887, 69_888, 69_999):
        ranges = merkle.inclusion_ranges(index, edge.size)
        path = [tiles.range_root(each, stored) for each in ranges]
        merkle.verify_inclusion(MANY[index], index, path, head)

    for old in (1, 256, 65_536, 65_537, 69_999):
        older = merkle.TreeHead(size=old, root=tiles.range_root((0, old), stored))
        ranges = merkle.consistency_ranges(old, edge.size)
        merkle.verify_consistency(older, head, [tiles.range_root(each, stored) for each in ranges])


def test_a_missing_or_short_tile_is_damage_and_never_another_root() -> None:
    """Hashing what is left of a tile would sign a tree that nobody can rebuild."""
    _, stored = grow([300])

    with pytest.raises(LogDamaged):
        tiles.edge_of(300, {})
    with pytest.raises(LogDamaged):
        tiles.range_root((0, 300), stored | {TileId(0, 1): stored[TileId(0, 1)][:-1]})
    with pytest.raises(LogDamaged):
        tiles.grown_tiles(300, (MANY[0],), {})


def test_the_worked_example_has_the_tile_and_bundle_it_was_published_with() -> None:
    """Mirrors compare these bytes."""
    bundle = tiles.bundle(leaf["entry"].encode() for leaf in VECTOR["leaves"])
    tile = b"".join(bytes.fromhex(leaf["leaf_hash"]) for leaf in VECTOR["leaves"])

    assert VECTOR["bundle"]["sha256"] == sha256(bundle).hexdigest()
    assert VECTOR["bundle"]["path"] == tiles.entries_path(0, 5)
    assert (VECTOR["tile"]["sha256"], VECTOR["tile"]["hex"]) == (
        sha256(tile).hexdigest(),
        tile.hex(),
    )
    assert VECTOR["tile"]["path"] == TileId(0, 0).path(5)


def test_a_full_bundle_has_the_length_that_the_design_states() -> None:
    """An entry of another length would tell leaves apart."""
    entry = VECTOR["leaves"][1]["entry"].encode()

    assert (116, 30_208) == (len(entry), len(tiles.bundle([entry] * 256)))
