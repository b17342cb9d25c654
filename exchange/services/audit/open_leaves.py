"""Open leaves for an authority, each held against its own commitment."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from exchange.crypto.sealing import DataKey
from exchange.domain.leaves import Leaf
from exchange.errors import IntegrityError
from exchange.services.audit.ports import SealedLeaf
from exchange.services.log.open_pair import SealedPair, open_pair
from exchange.services.log.write_leaves import opening_key
from exchange.services.ports import Ports


class OpenLeaf(NamedTuple):
    """A leaf, and what opens it unless its key was destroyed."""

    leaf_index: int
    leaf_hash: bytes
    entry: bytes
    created_at: int  # unix seconds
    opened: Leaf | None


def open_leaves(origin: str, sealed: Iterable[SealedLeaf], ports: Ports) -> list[OpenLeaf]:
    """Open leaves; one whose key was destroyed stays closed.

    Raises:
        IntegrityError: what is stored does not open, or is not what the leaf commits to.
    """
    keys: dict[str, DataKey] = {}
    return [_open(origin, one, keys, ports) for one in sealed]


def _open(origin: str, sealed: SealedLeaf, keys: dict[str, DataKey], ports: Ports) -> OpenLeaf:
    place = (sealed.leaf_index, sealed.leaf_hash, sealed.entry, sealed.created_at)
    match sealed:
        case SealedLeaf(
            key_id=str(key_id),
            subject_sealed=bytes(subject),
            audit_sealed=bytes(audit),
            kek_id=str(kek_id),
            wrapped=bytes(wrapped),
        ):
            if key_id not in keys:
                keys[key_id] = opening_key(key_id, kek_id, wrapped, ports)
            pair = SealedPair(origin, sealed.leaf_hash, key_id, subject, audit)
        case _:
            return OpenLeaf(*place, None)
    leaf = open_pair(pair, keys[key_id])
    if leaf.entry != sealed.entry:
        raise IntegrityError("a stored entry is not the leaf's")
    return OpenLeaf(*place, leaf)
