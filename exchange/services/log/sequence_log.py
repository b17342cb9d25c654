"""Give the leaves that wait their index, and sign the tree that they make: one turn.

In:  a log; its leaves without an index.
Out: indices, tiles, edge and a signed checkpoint in one transaction; then the outside checkpoint.
Order: nothing is signed before the stored tree is checked, and no signature leaves the process
before its commit. A crash at any step leaves a log that the next turn takes up where it stands.
Source: log.md, 6.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from exchange.domain.leaves import ENTRY_BYTES
from exchange.domain.merkle import Edge, TreeHead, leaf_hashes
from exchange.domain.tiles import grown_tiles
from exchange.errors import LogDamaged, TileDamaged
from exchange.services.log.guard_log import GuardedTree, guard_log, signed_note
from exchange.services.log.ports import (
    LogRef,
    LogState,
    Mark,
    SequencePorts,
    Taken,
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
    seconds: float = 0.0  # that it took


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
        writing = work.tree.writers()  # Asked before leaves are looked for: who ended is seen.
        taken = work.tree.take(log.log_id, state.mark, state.size, rows_max=ports.rows_max)
        full = taken.number == ports.rows_max
        after = state._replace(mark=_moved(state.mark, taken, full, writing, work.tree))
        if taken.number:
            edge = _append(log, guarded, taken, work.tree)
            head = TreeHead(size=edge.size, root=edge.root())
            note = signed_note(log.origin, head, ports.signer).decode()
            work.tree.put_checkpoint(log.log_id, head, note, started)
            after = LogState(head.size, head.root, edge.hashes, note, after.mark)
        left_at = work.tree.oldest_waiting_at(log.log_id, after.mark) if full else None
        covered = started if left_at is None else min(left_at, started)
        if not work.tree.advance(log.log_id, state.size, after, covered):
            raise LogDamaged(f"{log.origin}: the log moved while its row was locked")
        work.commit()
        if taken.number:
            # After the commit: a note kept outside and undone inside would stop the log for good.
            # A crash in between is mended by the next turn's guard.
            held.replace(after.note.encode())
    return Turn(log=log, size=after.size, leaves=taken.number, full=full, covered_until=covered)


def drain_log(log: LogRef, ports: SequencePorts) -> None:
    """Give every leaf of a log that was closed its index."""
    while sequence_log(log, ports).full:
        pass


def _append(log: LogRef, guarded: GuardedTree, taken: Taken, tree: TreeStatements) -> Edge:
    """Check the leaves that were given indices and write their tiles; return the new edge."""
    hashes = leaf_hashes(taken.entries, ENTRY_BYTES)
    if len(hashes) != taken.number or b"".join(hashes) != taken.leaf_hashes:
        raise LogDamaged(f"{log.origin}: a stored leaf is not the entry that was written")
    size = guarded.edge.size
    growth = guarded.edge.grown(hashes)
    written = grown_tiles(size, growth.fresh, guarded.partial)
    if tree.put_tiles(log.log_id, written) != len(written):
        raise TileDamaged(f"{log.origin}: a stored tile differs from what it held")
    if tree.tiles(log.log_id, written.keys()) != written:  # Read back before anyone relies on it.
        raise TileDamaged(f"{log.origin}: a tile reads otherwise than it was written")
    return growth.edge


def _moved(
    mark: Mark, taken: Taken, full: bool, writing: Collection[str], tree: TreeStatements
) -> Mark:
    """Raise the floor to the ceiling once nothing can appear between them; set a new ceiling.

    Whatever lies below the last leaf was drawn before it was committed: by a transaction that has
    ended, or by one that writes now.
    """
    if not set(mark.writers).isdisjoint(writing) or (full and taken.last < mark.ceiling):
        return mark
    return Mark(mark.ceiling, max(mark.ceiling, taken.last + 1), tree.writers())
