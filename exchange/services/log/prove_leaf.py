"""Prove that a member's leaf is in the log, or promise that it will be.

In:  a leaf hash, as receipts name it, and the member that asks.
Out: a `.tlog-proof` under a checkpoint, with both openings; before the leaf has its index, or its
     quorum where that is asked for, a signed promise. Every proof is verified here before it
     leaves: a flipped bit must not.
Source: log.md, 10.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import NamedTuple

from exchange.crypto.keyring import Use
from exchange.crypto.signing import sign_jws
from exchange.domain.base64url import b64url
from exchange.domain.leaves import (
    Leaf,
    Slot,
    proof_extra,
)
from exchange.domain.log.policies import NO_QUORUM, Policy
from exchange.domain.merkle import TreeHead, inclusion_ranges, verify_inclusion
from exchange.domain.notes import TlogProof
from exchange.domain.tiles import range_root, tiles_for
from exchange.errors import AbsentError, IntegrityError, InvalidProof, LogDamaged, TileDamaged
from exchange.services.log.open_pair import SealedPair, open_pair
from exchange.services.log.ports import LogPorts, LogWork, StoredLeaf, TreeStatements
from exchange.services.log.write_leaves import opening_key
from exchange.services.ports import MMD_SECONDS, Ports

PROMISE_TYPE = "cx-promise+jwt"
_DAY_SECONDS = 86_400
_NO_LIMIT = 2**62
RETRY_AFTER_SECONDS = 1  # the sequencer's turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """The leaf has its index."""

    proof: bytes  # a `.tlog-proof` file


@dataclass(frozen=True, slots=True, kw_only=True)
class Promised:
    """The leaf is stored and waits for its index."""

    promise: str  # compact JWS; says nothing about the borrower
    retry_after_seconds: int


def prove_leaf(
    leaf_hash: bytes, member: str, log_ports: LogPorts, *, final: bool = False
) -> Proven | Promised:
    """Return the proof of a leaf of this member, or the promise of one.

    Args:
        final: take only a checkpoint that a quorum of witnesses has cosigned.

    Raises:
        AbsentError: there is no such leaf, or it is another member's.
        IntegrityError: what is stored does not open, or does not prove the leaf.
    """
    with log_ports.begin() as work:
        leaf, stored = _found(leaf_hash, log_ports.ports, work.tree)
        if member != json.loads(leaf.subject.payload).get("member"):
            raise AbsentError
        signed = _covering(stored, work, log_ports.policy, final=final)
        if signed is None:
            return _promised(leaf_hash, stored, log_ports.ports)
        proven = Proven(proof=_opened_proof(leaf, frozenset(Slot), signed, work.tree))
    _count(member, log_ports.ports)
    return proven


def prove_opened(
    leaf_hash: bytes, opened: frozenset[Slot], log_ports: LogPorts
) -> Proven | Promised:
    """Return the proof of a leaf with these slots opened; whoever asks was let in by the caller.

    Raises:
        AbsentError: there is no such leaf.
        IntegrityError: what is stored does not open, or does not prove the leaf.
    """
    with log_ports.begin() as work:
        leaf, stored = _found(leaf_hash, log_ports.ports, work.tree)
        signed = _covering(stored, work, log_ports.policy, final=False)
        if signed is None:
            return _promised(leaf_hash, stored, log_ports.ports)
        return Proven(proof=_opened_proof(leaf, opened, signed, work.tree))


def _count(member: str, ports: Ports) -> None:
    """Count a proof: a member that fetches few of its own redeems no receipts (`usage`)."""
    now = ports.now()
    with ports.begin() as work:
        day = now - now % _DAY_SECONDS
        work.members.count(member, "proofs", period=day, amount=1, limit=_NO_LIMIT)
        work.commit()


class _Signed(NamedTuple):
    """Where a leaf stands, and the checkpoint that its proof leads to."""

    log_id: int
    leaf_index: int
    head: TreeHead
    note: str


def _found(leaf_hash: bytes, ports: Ports, tree: TreeStatements) -> tuple[Leaf, StoredLeaf]:
    stored = tree.find_leaf(leaf_hash)
    if stored is None:
        raise AbsentError
    return open_stored(leaf_hash, stored, ports), stored


def _promised(leaf_hash: bytes, stored: StoredLeaf, ports: Ports) -> Promised:
    promise = _promise(leaf_hash, stored, ports)
    return Promised(promise=promise, retry_after_seconds=RETRY_AFTER_SECONDS)


def _opened_proof(
    leaf: Leaf, opened: frozenset[Slot], signed: _Signed, tree: TreeStatements
) -> bytes:
    proof = _proof(leaf, signed, tree)
    return replace(proof, extra=proof_extra(leaf, opened=opened)).print()


def open_stored(leaf_hash: bytes, stored: StoredLeaf, ports: Ports) -> Leaf:
    """Open both slots, and check that they are this leaf's."""
    key = opening_key(stored.key_id, stored.kek_id, stored.wrapped, ports)
    pair = SealedPair(
        stored.log.origin, leaf_hash, stored.key_id, stored.subject_sealed, stored.audit_sealed
    )
    leaf = open_pair(pair, key)
    if leaf.entry != stored.entry:
        raise IntegrityError("a stored entry is not the leaf's")
    return leaf


def _covering(stored: StoredLeaf, work: LogWork, policy: Policy, *, final: bool) -> _Signed | None:
    """Find a checkpoint that covers the leaf: one with a quorum, else the newest signed one."""
    log_id, index = stored.log.log_id, stored.leaf_index
    if index is None:
        return None
    if policy.quorum != NO_QUORUM:
        shown = work.publication.published(log_id)
        if shown and shown.size > index:
            return _Signed(log_id, index, TreeHead(size=shown.size, root=shown.root), shown.note)
        if final:
            return None
    # Read after the index: both were committed together, so this state covers it.
    state = work.tree.state(log_id)
    if index >= state.size:
        raise LogDamaged("a leaf has an index beyond the log's size")
    return _Signed(log_id, index, TreeHead(size=state.size, root=state.root), state.note)


def _proof(leaf: Leaf, signed: _Signed, tree: TreeStatements) -> TlogProof:
    path = prove_place(leaf.leaf_hash, signed.log_id, signed.leaf_index, signed.head, tree)
    return TlogProof(index=signed.leaf_index, path=path, checkpoint=signed.note.encode())


def prove_place(
    leaf_hash: bytes, log_id: int, index: int, head: TreeHead, tree: TreeStatements
) -> tuple[bytes, ...]:
    """Compute the path from a leaf to the root of a tree, from stored tiles, and verify it.

    Raises:
        TileDamaged: the tiles do not lead from this leaf to this root.
    """
    return prove_places({leaf_hash: index}, log_id, head, tree)[leaf_hash]


def prove_places(
    leaves: Mapping[bytes, int], log_id: int, head: TreeHead, tree: TreeStatements
) -> dict[bytes, tuple[bytes, ...]]:
    """Compute the paths of many leaves (leaf hash: index), their tiles fetched at once.

    Raises:
        TileDamaged: the tiles do not lead from one of the leaves to this root.
    """
    ranges = {leaf: inclusion_ranges(index, head.size) for leaf, index in leaves.items()}
    wanted = tiles_for(one for each in ranges.values() for one in each)
    tiles = tree.tiles(log_id, wanted) if wanted else {}
    paths = {leaf: tuple(range_root(one, tiles) for one in each) for leaf, each in ranges.items()}
    for leaf, index in leaves.items():
        try:
            verify_inclusion(leaf, index, paths[leaf], head)
        except InvalidProof as error:
            raise TileDamaged(f"the tiles do not prove leaf {index}: {error}") from error
    return paths


def _promise(leaf_hash: bytes, stored: StoredLeaf, ports: Ports) -> str:
    """Promise that the leaf will appear; the same leaf is always promised in the same bytes."""
    claims = {
        "iss": ports.terms.issuer,
        "aud": stored.log.origin,
        "jti": b64url(leaf_hash),
        "iat": stored.created_at,
        "exp": kept_until(stored.created_at, ports),
        "mmd": MMD_SECONDS,
    }
    payload = json.dumps(claims, separators=(",", ":")).encode()
    keyring = ports.keyring
    return sign_jws(payload, PROMISE_TYPE, keyring.kid(Use.PROMISE), keyring.signer(Use.PROMISE))


def kept_until(when: int, ports: Ports) -> int:
    """Return the end of the retention of the log that is active then (unix seconds)."""
    retained = datetime.fromtimestamp(when, UTC).year + 1 + ports.terms.profile.access_log_years
    return int(datetime(retained, 1, 1, tzinfo=UTC).timestamp())
