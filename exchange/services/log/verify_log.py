"""Recompute a whole log from its entries, and hold everything stored against it.

The sequencer checks the newest tiles at every turn; this reads all of it. Run it nightly, after a
restore, and whenever something was killed.
"""

from __future__ import annotations

from collections.abc import Iterator

from exchange.domain.merkle import NO_LEAVES, leaf_hash
from exchange.domain.tiles import TileId, grown_tiles, partial_tiles
from exchange.errors import LogDamaged, TileDamaged
from exchange.services.log.guard_log import guard_log
from exchange.services.log.ports import LogRef, SequencePorts, TreeStatements


def verify_log(log: LogRef, ports: SequencePorts) -> int:
    """Verify every leaf, tile, edge and root of a log, and return its size.

    Raises:
        LogDamaged: something stored is not what the entries make; the message says what.
        LogRolledBack: a checkpoint was signed that this log does not contain.
    """
    with ports.outside(log.origin) as held, ports.begin() as work:
        state = work.tree.lock_state(log.log_id, ports.now())
        guard_log(log, state, held, work.tree, ports.signer)
        edge, newest = NO_LEAVES, dict[TileId, bytes]()
        for hashes in _batches(log, state.size, work.tree, ports.rows_max):
            growth = edge.grown(hashes)
            written = grown_tiles(edge.size, growth.fresh, newest)
            _compare(log, written, work.tree)
            edge = growth.edge
            newest = {**newest, **written}
            newest = {tile: newest[tile] for tile in partial_tiles(edge.size)}
        if (edge.size, edge.root()) != (state.size, state.root):
            raise LogDamaged(f"{log.origin}: the entries do not make the stored root")
        return state.size


def _batches(log: LogRef, size: int, tree: TreeStatements, rows_max: int) -> Iterator[list[bytes]]:
    """Yield the leaf hashes in order, recomputed from the entries."""
    first = 0
    while first < size:
        rows = tree.sequenced(log.log_id, first=first, rows_max=min(rows_max, size - first))
        hashes = [leaf_hash(row.entry) for row in rows]
        if not rows or hashes != [row.leaf_hash for row in rows]:
            raise LogDamaged(f"{log.origin}: an entry from {first} on is missing or changed")
        yield hashes
        first += len(rows)


def _compare(log: LogRef, written: dict[TileId, bytes], tree: TreeStatements) -> None:
    stored = tree.tiles(log.log_id, written.keys())
    for tile, row in written.items():
        if not stored.get(tile, b"").startswith(row):  # It may have been widened since.
            raise TileDamaged(f"{log.origin}: {tile.path()} is not what its entries make")
