"""Prove one row of a search under the checkpoint that its page reflects."""

from __future__ import annotations

from exchange.domain.leaves import Leaf, Slot, proof_extra
from exchange.domain.merkle import TreeHead, inclusion_ranges, verify_inclusion
from exchange.domain.notes import TlogProof
from exchange.domain.tiles import range_root, tiles_for
from exchange.errors import InvalidProof, TileDamaged
from exchange.services.audit.ports import SignedCheckpoint
from exchange.services.log.ports import TreeStatements


def prove_row(
    leaf: Leaf, index: int, log_id: int, checkpoint: SignedCheckpoint, tree: TreeStatements
) -> bytes:
    """Return the `.tlog-proof` of a leaf, both slots open.

    Raises:
        TileDamaged: the stored tiles do not prove it; a flipped bit must not leave.
    """
    ranges = inclusion_ranges(index, checkpoint.size)
    wanted = tiles_for(ranges)
    tiles = tree.tiles(log_id, wanted) if wanted else {}
    path = tuple(range_root(each, tiles) for each in ranges)
    head = TreeHead(size=checkpoint.size, root=checkpoint.root)
    try:
        verify_inclusion(leaf.leaf_hash, index, path, head)
    except InvalidProof as error:
        raise TileDamaged(f"the tiles do not prove leaf {index}: {error}") from error
    extra = proof_extra(leaf, opened=frozenset(Slot))
    note = checkpoint.note.encode()
    return TlogProof(index=index, path=path, checkpoint=note, extra=extra).print()
