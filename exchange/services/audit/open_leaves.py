"""Open leaves for an authority, each held against its own commitment."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from exchange.crypto.sealing import DataKey
from exchange.domain.leaves import Leaf, Opening, Slot, leaf_of, opening_aad, unpad_opening
from exchange.errors import IntegrityError
from exchange.services.audit.ports import SealedLeaf
from exchange.services.log.write_leaves import opening_key
from exchange.services.ports import Ports


class OpenLeaf(NamedTuple):
    """A leaf, and what opens it unless its key was destroyed."""

    leaf_index: int
    leaf_hash: bytes
    entry: bytes
    opened: Leaf | None


def open_leaves(origin: str, sealed: Iterable[SealedLeaf], ports: Ports) -> list[OpenLeaf]:
    """Open leaves; one whose key was destroyed stays closed.

    Raises:
        IntegrityError: what is stored does not open, or is not what the leaf commits to.
    """
    keys: dict[str, DataKey] = {}
    return [_open(origin, one, keys, ports) for one in sealed]


def _open(origin: str, sealed: SealedLeaf, keys: dict[str, DataKey], ports: Ports) -> OpenLeaf:
    if sealed.kek_id is None or sealed.wrapped is None:
        return OpenLeaf(sealed.leaf_index, sealed.leaf_hash, sealed.entry, None)
    key = keys.get(sealed.key_id)
    if key is None:
        key = opening_key(sealed.key_id, sealed.kek_id, sealed.wrapped, ports)
        keys[sealed.key_id] = key

    def opening(slot: Slot, content: bytes) -> Opening:
        aad = opening_aad(origin, sealed.leaf_hash, slot, sealed.key_id)
        return unpad_opening(key.open(content, aad))

    leaf = leaf_of(
        opening(Slot.SUBJECT, sealed.subject_sealed), opening(Slot.AUDIT, sealed.audit_sealed)
    )
    if (leaf.leaf_hash, leaf.entry) != (sealed.leaf_hash, sealed.entry):
        raise IntegrityError("the openings of a leaf are not the leaf's")
    return OpenLeaf(sealed.leaf_index, sealed.leaf_hash, sealed.entry, leaf)
