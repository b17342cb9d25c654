"""Refuse to sequence a log that is not the one that was signed before.

In:  a log's locked state, its newest tiles, and the checkpoint kept outside the database.
Out: the edge to grow and the tiles to widen; or a refusal, before anything is signed.
A fork is never continued: whoever restored an old database must restore what followed as well.
Source: log.md, 7. Its step 4, the witnesses, is `services/witnesses/guard_witnesses.py`.
"""

from __future__ import annotations

from typing import NamedTuple

from exchange.crypto.note_keys import note_signature_holds
from exchange.domain.merkle import EMPTY_ROOT, HASH_BYTES, Edge, TreeHead
from exchange.domain.notes import (
    Checkpoint,
    Note,
    SignatureLine,
    open_note,
    parse_checkpoint,
)
from exchange.domain.tiles import TileId, edge_of, partial_tiles, range_root, tiles_for, width_at
from exchange.errors import FormError, LogDamaged, LogRolledBack, TileDamaged
from exchange.services.log.ports import (
    CheckpointSigner,
    HeldCheckpoint,
    LogRef,
    LogState,
    TreeStatements,
    log_key,
)


class GuardedTree(NamedTuple):
    """A tree that may grow."""

    edge: Edge
    partial: dict[TileId, bytes]  # the tiles that the next append widens


def guard_log(
    log: LogRef,
    state: LogState,
    held: HeldCheckpoint,
    tree: TreeStatements,
    signer: CheckpointSigner,
) -> GuardedTree:
    """Check a log before a turn, and bring the outside checkpoint up to it where it lags.

    Raises:
        LogDamaged: state, note, edge and tiles do not agree.
        LogRolledBack: a checkpoint was signed that this log does not contain.
    """
    _check_note(log, state, signer)  # 1: origin and key are those of the settings
    guarded = _check_tree(log, state, tree)  # 2: root from the edge, edge from the tiles
    if not held.note and state.size == 0:
        held.replace(signed_note(log.origin, TreeHead(size=0, root=EMPTY_ROOT), signer))
    else:
        _check_outside(log, state, held, tree, signer)  # 3
    return guarded


def signed_note(origin: str, head: TreeHead, signer: CheckpointSigner) -> bytes:
    """Sign a checkpoint of this log. It may leave the process only after its commit."""
    text = Checkpoint(origin=origin, head=head).text()
    key = log_key(origin, signer.checkpoint_public_key)
    signature = signer.sign_checkpoint(text.encode())
    line = SignatureLine(name=origin, key_id=key.key_id, signature=signature)
    return Note(text=text, signatures=(line,)).print()


def read_checkpoint(log: LogRef, note: bytes, signer: CheckpointSigner) -> Checkpoint:
    """Read a checkpoint of ours.

    Raises:
        FormError: it is none, or the log's key has not signed it.
    """
    key = log_key(log.origin, signer.checkpoint_public_key)
    opened, signed = open_note(note, [key], note_signature_holds)
    checkpoint = parse_checkpoint(opened.text)
    if not signed or checkpoint.origin != log.origin:
        raise FormError("the checkpoint is not signed by this log's key")
    return checkpoint


def _check_note(log: LogRef, state: LogState, signer: CheckpointSigner) -> None:
    if not state.note:
        if state.size:
            raise LogDamaged(f"{log.origin}: a log with leaves has a signed checkpoint")
        return
    try:
        checkpoint = read_checkpoint(log, state.note.encode(), signer)
    except FormError as error:
        raise LogDamaged(f"{log.origin}: the stored checkpoint is not ours: {error}") from error
    if checkpoint.head != TreeHead(size=state.size, root=state.root):
        raise LogDamaged(f"{log.origin}: the stored checkpoint is of another size or root")


def _check_tree(log: LogRef, state: LogState, tree: TreeStatements) -> GuardedTree:
    edge = Edge(size=state.size, hashes=state.edge)
    if edge.root() != state.root:
        raise LogDamaged(f"{log.origin}: the edge does not lead to the stored root")
    newest = partial_tiles(state.size)
    partial = tree.tiles(log.log_id, newest) if newest else {}
    for tile, row in partial.items():
        if len(row) != width_at(tile.level, state.size) * HASH_BYTES:
            raise TileDamaged(f"{log.origin}: {tile.path()} is not as wide as the log")
    if edge_of(state.size, partial) != edge:
        raise TileDamaged(f"{log.origin}: the newest tiles do not lead to the edge")
    return GuardedTree(edge, partial)


def hold_against(
    log: LogRef, state: LogState, note: bytes, tree: TreeStatements, signer: CheckpointSigner
) -> bool:
    """Hold a log against a checkpoint of it that was signed before; say whether that one lags.

    Raises:
        LogRolledBack: the log does not contain what was signed, or that is no checkpoint of ours.
    """
    try:
        outside = read_checkpoint(log, note, signer).head
    except FormError as error:
        raise LogRolledBack(f"{log.origin}: the outside checkpoint: {error}") from error
    if outside == TreeHead(size=state.size, root=state.root):
        return False
    if outside.size >= state.size or _root_at(outside.size, log, tree) != outside.root:
        raise LogRolledBack(
            f"{log.origin}: signed before and not part of this database:\n"
            f"{note.decode()}\nthe database says:\n{state.note}"
        )
    return True


def _check_outside(
    log: LogRef,
    state: LogState,
    held: HeldCheckpoint,
    tree: TreeStatements,
    signer: CheckpointSigner,
) -> None:
    if not held.note:
        raise LogRolledBack(
            f"{log.origin}: the log has {state.size} leaves and no checkpoint is kept outside the "
            "database; put back the newest signed one, from a copy of it or a mirror"
        )
    if hold_against(log, state, held.note, tree, signer):
        held.replace(state.note.encode())  # It lags: a turn committed and was cut short.


def _root_at(size: int, log: LogRef, tree: TreeStatements) -> bytes:
    if size == 0:
        return EMPTY_ROOT
    return range_root((0, size), tree.tiles(log.log_id, tiles_for([(0, size)])))
