"""How long a proof takes in a large tree, whose tiles are written at once and not leaf by leaf."""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Mapping

import psycopg

from exchange.domain.merkle import HASH_BYTES, NO_LEAVES, TreeHead
from exchange.domain.tiles import TILE_WIDTH, TileId, grown_tiles, partial_tiles
from exchange.services.log.prove_leaf import prove_place
from exchange.services.log.sequence_log import sequence_log
from exchange.store.statement import copy_rows
from tests.bench.report import Measure, figure, percentile
from tests.support.access_log import AccessLog

PROOFS = 1_000
_AT_ONCE = 1 << 18  # leaves hashed upward at once
_COPY = "COPY tile (log_id, level, n, hashes) FROM STDIN (FORMAT BINARY)"


def measure_proofs(log: AccessLog, leaves: int) -> dict[str, Measure]:
    """Measure proofs of leaves drawn at random, each from the stored tiles to the root."""
    ref = log.open()
    sequence_log(ref, log.sequencer)
    log_id = ref.log_id + 1_000_000  # A tree beside the log: nobody signs it.
    began = time.perf_counter()
    head = _write_tree(log, log_id, leaves)
    print(f"log: {leaves} leaves in {time.perf_counter() - began:.0f} s", file=sys.stderr)
    draw, took = random.Random(0), []  # noqa: S311 - picks what is measured
    with log.log_ports.begin() as work:
        for _ in range(PROOFS):
            index = draw.randrange(leaves)
            n, at = divmod(index, TILE_WIDTH)
            row = work.tree.tiles(log_id, [TileId(0, n)])[TileId(0, n)]
            leaf = row[at * HASH_BYTES :][:HASH_BYTES]
            began = time.perf_counter()
            prove_place(leaf, log_id, index, head, work.tree)
            took.append(1e3 * (time.perf_counter() - began))
    return {
        "proof_p50_ms": figure(percentile(took, 0.5), "ms"),
        "proof_p99_ms": figure(percentile(took, 0.99), "ms"),
        "proof_tree": figure(leaves, "leaves"),
    }


def _write_tree(log: AccessLog, log_id: int, leaves: int) -> TreeHead:
    """Write the tiles of a tree of random leaf hashes; return its head."""
    edge, partial = NO_LEAVES.grown([]).edge, dict[TileId, bytes]()
    with psycopg.connect(log.url) as connection:
        while edge.size < leaves:
            count = min(_AT_ONCE, leaves - edge.size)
            raw = os.urandom(count * HASH_BYTES)
            growth = edge.grown([raw[at : at + HASH_BYTES] for at in range(0, len(raw), 32)])
            written = {**partial, **grown_tiles(edge.size, growth.fresh, partial)}
            edge = growth.edge
            partial = {one: written.pop(one) for one in partial_tiles(edge.size)}
            _copy(connection, log_id, written)
        _copy(connection, log_id, partial)
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE tile")
    return TreeHead(size=edge.size, root=edge.root())


def _copy(
    connection: psycopg.Connection[tuple[object, ...]],
    log_id: int,
    tiles: Mapping[TileId, bytes],
) -> None:
    rows = ((log_id, one.level, one.n, hashes) for one, hashes in tiles.items())
    copy_rows(connection, _COPY, ("int4", "int2", "int8", "bytea"), rows)
