"""Give the leaves that wait their index, and sign the tree that they make: one turn.

In:  a log; its leaves without an index.
Out: indices, tiles, edge and a signed checkpoint, all in one transaction; then the outside file.
Order: nothing is signed before the stored tree is checked, and no signature leaves the process
before its commit. A crash at any step leaves a log that the next turn takes up where it stands.
Source: log.md, 6.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from exchange.domain.leaves import ENTRY_BYTES
from exchange.domain.merkle import Growth, TreeHead, leaf_hash
from exchange.domain.tiles import grown_tiles
from exchange.errors import LogDamaged
from exchange.services.guard_log import GuardedTree, guard_log, signed_note
from exchange.services.log_ports import (
    LogRef,
    LogState,
    SequencePorts,
    TreeStatements,
    UnsequencedLeaf,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What one turn did."""

    log: LogRef
    size: int  # leaves in the tree now
    leaves: int  # that got their index in this turn
    full: bool  # the batch was full: more may wait
    covered_until: int  # unix seconds up to which every committed leaf has its index


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
        full = len(leaves) == ports.rows_max
        after, note = state, b""
        if leaves:
            head = _append(log, guarded, leaves, work.tree)
            note = signed_note(log.origin, head.head, ports.signer)
            work.tree.put_checkpoint(log.log_id, head.head, note.decode(), started)
            after = LogState(head.head.size, head.head.root, head.edge, note.decode())
        covered = _covered_until(log, work.tree, started) if full else started
        if not work.tree.advance(log.log_id, state.size, after, covered):
            raise LogDamaged(f"{log.origin}: the log moved while its row was locked")
        work.commit()
        if note:
            held.replace(note)  # Only now: a note outside that was undone inside stops the log.
    return Turn(
        log=log, size=after.size, leaves=len(leaves), full=full, covered_until=covered
    )
