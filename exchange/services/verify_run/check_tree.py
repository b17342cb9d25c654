"""I4: the root recomputed from the leaves is the signed one, at every size that was ever signed.

Where each root that anybody holds is recomputed from the same leaves, all of them are prefixes of
one tree: that is what pairwise consistency means.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from exchange.domain.merkle import NO_LEAVES, Edge, leaf_hash
from exchange.errors import FormError
from exchange.services.log.guard_log import read_checkpoint
from exchange.services.log.ports import LeafEntry, LogRef
from exchange.services.verify_run.ports import Break, RunPorts, RunStatements

Head: TypeAlias = tuple[int, bytes, str]  # size, root, where it was seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What is held outside the database: it was signed, so the tree must contain it."""

    outside: Mapping[str, bytes]  # the newest note, by origin
    heads: Mapping[str, Collection[Head]]  # of clients' proofs, by origin


def check_tree(run: RunStatements, ports: RunPorts, held: Held) -> Iterator[Break]:
    """Yield what is wrong with any log."""
    for log in run.logs():
        heads: list[Head] = list(held.heads.get(log.origin, ()))
        for name, note in _notes(log, run, held):
            try:
                head = read_checkpoint(log, note, ports.signer).head
            except FormError as error:
                yield Break("I4", f"{log.origin} {name}", f"is not signed by this log: {error}")
            else:
                heads.append((head.size, head.root, name))
        heads += _stored_heads(log, run)
        yield from _recompute(log, run, sorted(heads))


def _notes(log: LogRef, run: RunStatements, held: Held) -> Iterator[tuple[str, bytes]]:
    """Yield every signed note there is, with where it was found."""
    for one in run.checkpoints(log.log_id):
        yield f"checkpoint {one.size}", one.note.encode()
    if note := held.outside.get(log.origin):
        yield "outside checkpoint", note


def _stored_heads(log: LogRef, run: RunStatements) -> list[Head]:
    """Return the heads that stand in columns, beside the notes that were signed over them."""
    state = run.state(log.log_id)
    rows = [(one.size, one.root, f"row of {one.size}") for one in run.checkpoints(log.log_id)]
    return [*rows, (state.size, state.root, "state")]


def _recompute(log: LogRef, run: RunStatements, heads: list[Head]) -> Iterator[Break]:
    """Grow the tree leaf by leaf, and hold each head against the root at its size."""
    edge = NO_LEAVES
    waiting = iter(heads)
    head = next(waiting, None)
    for batch in run.leaves(log.log_id):
        hashes = [leaf_hash(row.entry) for row in batch]
        yield from _changed(batch, hashes)
        while head and head[0] <= edge.size + len(hashes):
            cut = max(0, head[0] - edge.size)
            edge, hashes = edge.grown(hashes[:cut]).edge, hashes[cut:]
            yield from _compare(log, edge, head)
            head = next(waiting, None)
        edge = edge.grown(hashes).edge
    while head:
        yield from _compare(log, edge, head)
        head = next(waiting, None)


def _changed(batch: list[LeafEntry], hashes: list[bytes]) -> Iterator[Break]:
    for row, recomputed in zip(batch, hashes, strict=True):
        if row.leaf_hash != recomputed:
            yield Break("I4", f"leaf {row.leaf_hash.hex()}", "its entry is another one")


def _compare(log: LogRef, edge: Edge, head: Head) -> Iterator[Break]:
    size, root, name = head
    if edge.size != size:
        yield Break("I4", f"{log.origin} {name}", f"names {size} leaves; there are {edge.size}")
    elif edge.root() != root:
        yield Break("I4", f"{log.origin} {name}", f"the first {size} leaves make another root")
