"""Find and prove the line that a day's index has of a subject, under the newest checkpoint.

In:  a subject's pseudonym, and the signed tree that the proof leads to.
Out: the line, its way to the index's root, and the leaf that names this root; nothing where the
     subject has no line yet. All of it is verified here before it leaves.
Source: log.md, 12.
"""

from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import dataclass
from typing import NamedTuple

from exchange.domain.leaves import Leaf
from exchange.domain.log.index import INDEX_ROOT_RULE, LineProof, prove_line
from exchange.domain.merkle import TreeHead, verify_inclusion
from exchange.errors import IntegrityError, InvalidProof, LogDamaged
from exchange.services.log.daily_ports import KeptIndex
from exchange.services.log.ports import LogWork
from exchange.services.log.prove_leaf import open_stored
from exchange.services.log.show_log import QUORUM_SECONDS_MAX
from exchange.services.ports import Ports


class SignedTree(NamedTuple):
    """A log at a size, and the note that signs it."""

    log_id: int
    head: TreeHead
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedLine:
    """A subject's line in a day's index."""

    proof: LineProof
    day: str  # UTC, 2026-12-31
    size: int  # leaves that the index covers
    leaf: Leaf  # the `index_root` leaf
    leaf_index: int


def signed_tree(log_id: int, work: LogWork, now: int) -> SignedTree:
    """Return the newest signed tree, or the one with a quorum unless that is old (log.md, 8)."""
    state, shown = work.tree.state(log_id), work.publication.published(log_id)
    if shown and (shown.size == state.size or now - shown.quorum_at <= QUORUM_SECONDS_MAX):
        return SignedTree(log_id, TreeHead(size=shown.size, root=shown.root), shown.note)
    return SignedTree(log_id, TreeHead(size=state.size, root=state.root), state.note)


def sealed_line(subject: str, tree: SignedTree, work: LogWork, ports: Ports) -> SealedLine | None:
    """Return the line of the newest index that this tree holds; None where there is none.

    Raises:
        IntegrityError: the kept lines do not lead to the root that the log names.
    """
    kept = work.daily.newest_index(tree.log_id, size=tree.head.size)
    if kept is None:
        return None
    part = work.daily.index_lines(tree.log_id, kept.day, subject)
    if part is None:
        return None
    roots = work.daily.index_roots(tree.log_id, kept.day)
    proof = prove_line(subject, part.number, part.lines, roots)
    return None if proof is None else _sealed(proof, kept, work, ports)


def _sealed(proof: LineProof, kept: KeptIndex, work: LogWork, ports: Ports) -> SealedLine:
    stored = work.tree.find_leaf(kept.leaf_hash)
    if stored is None:
        raise LogDamaged("an index names a leaf that is not there")
    leaf = open_stored(kept.leaf_hash, stored, ports)
    said = json.loads(leaf.subject.payload)
    if (said["day"], json.loads(leaf.audit.payload)["rule"]) != (kept.day, INDEX_ROOT_RULE):
        raise IntegrityError("an index is filed under a leaf of another day or rule")
    head = TreeHead(size=said["subjects"], root=b64decode(said["root"]))
    try:
        verify_inclusion(proof.leaf_hash, proof.position, proof.path, head)
    except InvalidProof as error:
        raise LogDamaged(f"the lines of {kept.day} do not lead to the index's root") from error
    return SealedLine(
        proof=proof, day=kept.day, size=said["size"], leaf=leaf, leaf_index=kept.leaf_index
    )
