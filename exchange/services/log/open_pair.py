"""Open both slots of a leaf, and hold them against its hash: a flipped bit must not be shown."""

from __future__ import annotations

from typing import NamedTuple

from exchange.crypto.sealing import DataKey
from exchange.domain.leaves import Leaf, Slot, leaf_of, opening_aad, unpad_opening
from exchange.errors import IntegrityError


class SealedPair(NamedTuple):
    """Both openings of a leaf as they rest, and what they are bound to."""

    origin: str
    leaf_hash: bytes
    key_id: str
    subject: bytes
    audit: bytes


def open_pair(sealed: SealedPair, key: DataKey) -> Leaf:
    """Return the leaf that these openings open.

    Raises:
        IntegrityError: one does not open under this key, or they are not this leaf's.
    """
    origin, leaf_hash, key_id, *contents = sealed
    subject, audit = (
        unpad_opening(key.open(content, opening_aad(origin, leaf_hash, slot, key_id)))
        for slot, content in zip(Slot, contents, strict=True)
    )
    leaf = leaf_of(subject, audit)
    if leaf.leaf_hash != leaf_hash:
        raise IntegrityError("the openings of a leaf are not the leaf's")
    return leaf
