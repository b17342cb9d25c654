"""Give the leaves that wait their index, and sign the tree that they make: one turn.

In:  a log; its leaves without an index.
Out: indices, tiles, edge and a signed checkpoint in one transaction; then the outside checkpoint.
Order: nothing is signed before the stored tree is checked, and no signature leaves the process
before its commit. A crash at any step leaves a log that the next turn takes up where it stands.
Source: log.md, 6.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from exchange.domain.leaves import ENTRY_BYTES
from exchange.domain.merkle import Edge, TreeHead, leaf_hash
from exchange.domain.tiles import grown_tiles
from exchange.errors import LogDamaged
from exchange.services.log.guard_log import GuardedTree, guard_log, signed_note
from exchange.services.log.ports import (
    LeafEntry,
    LogRef,
    LogState,
    SequencePorts,
    TreeStatements,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What one turn did."""

    log: LogRef
    size: int  # leaves in the tree now
    leaves: int  # that got their index in this turn
    full: bool  # the batch was full: more may wait
    covered_until: int  # unix seconds; leaves committed before then have their index


def sequence_log(log: LogRef, ports: SequencePorts) -> Turn:
    """Carry out one turn of one log.

    Raises:
        LogDamaged: the stored log does not agree with itself; nothing was signed.
        LogRolledBack: it is older than what was signed, or another; nothing was signed.
        UnavailableError: the database is away, or another sequencer is at work.
    """
    started = ports.now()
    with ports.outside(log.origin) as held, ports.begin() as work:
        state = work.tree.lock_state(log.log_id, started)
        guarded = guard_log(log, state, held, work.tree, ports.signer)
        leaves = work.tree.unsequenced(log.log_id, rows_max=ports.rows_max)
        after = state
        if leaves:
            edge = _append(log, guarded, leaves, work.tree)
            head = TreeHead(size=edge.size, root=edge.root())
            note = signed_note(log.origin, head, ports.signer).decode()
            work.tree.put_checkpoint(log.log_id, head, note, started)
            after = LogState(head.size, head.root, edge.hashes, note)
        full = len(leaves) == ports.rows_max
        left_at = work.tree.oldest_unsequenced_at(log.log_id) if full else None
        covered = started if left_at is None else min(left_at, started)
        if not work.tree.advance(log.log_id, state.size, after, covered):
            raise LogDamaged(f"{log.origin}: the log moved while its row was locked")
        work.commit()
        if leaves:
            # After the commit: a note kept outside and undone inside would stop the log for good.
            # A crash in between is mended by the next turn's guard.
            held.replace(after.note.encode())
    return Turn(log=log, size=after.size, leaves=len(leaves), full=full, covered_until=covered)


def _append(
    log: LogRef, guarded: GuardedTree, leaves: Sequence[LeafEntry], tree: TreeStatements
) -> Edge:
    """Give indices and write tiles; return the new edge."""
    hashes = [leaf.leaf_hash for leaf in leaves]
    if hashes != [leaf_hash(leaf.entry) for leaf in leaves if len(leaf.entry) == ENTRY_BYTES]:
        raise LogDamaged(f"{log.origin}: a stored leaf is not the entry that was written")
    size = guarded.edge.size
    growth = guarded.edge.grown(hashes)
    written = grown_tiles(size, growth.fresh, guarded.partial)
    if tree.number(log.log_id, size, hashes) != len(hashes):
        raise LogDamaged(f"{log.origin}: a leaf changed while it was given its index")
    if tree.put_tiles(log.log_id, written) != len(written):
        raise LogDamaged(f"{log.origin}: a stored tile differs from what it held")
    if tree.tiles(log.log_id, written.keys()) != written:  # Read back before anyone relies on it.
        raise LogDamaged(f"{log.origin}: a tile reads otherwise than it was written")
    return growth.edge
