"""Verify a `.tlog-proof`: that one leaf stands in the pinned log, and what the leaf says.

What must hold, by the numbers in the code:
1. the file is a proof as C2SP tlog-proof writes it;
2. the checkpoint in it is signed by the pinned log's key, under the log's own name;
3. what `extra` opens, with what it leaves closed, is exactly the leaf of the receipt;
4. the path leads from that leaf, at its index, to the checkpoint's root.
No step needs the network. Source: C2SP tlog-proof; log.md, 3 and 10.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass

from exchange_client.core.encoding import JSON, loads_object
from exchange_client.errors import InclusionInvalid
from exchange_client.merkle import TreeHead, leaf_hash, verify_inclusion
from exchange_client.notes import open_checkpoint, parse_vkey, read_base64, read_number

PROOF_BYTES_MAX = 256 * 1024
SLOTS = ("subject", "audit")  # in the order of the entry

_HEADER = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedProof:
    """A leaf that is in the log, and as much of it as the proof opens."""

    leaf: bytes  # leaf hash, 32 bytes
    index: int
    origin: str
    head: TreeHead
    checkpoint: bytes  # the signed note: keep it, two that disagree prove a fork
    openings: Mapping[str, bytes]  # payload (canonical JSON) of each opened slot


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    extra: bytes | None
    index: int
    path: tuple[bytes, ...]
    checkpoint: bytes


def verify_proof(proof: bytes, vkey: str, *, leaf: bytes) -> VerifiedProof:
    """Verify a proof offline, from the pinned key of the log and the leaf hash of the receipt.

    Raises:
        InclusionInvalid: one of the four steps fails; the message says which.
        PinError: the pinned key is not one.
    """
    parts = _read(proof)  # 1
    log = parse_vkey(vkey)
    checkpoint = open_checkpoint(parts.checkpoint, log)  # 2
    openings = {} if parts.extra is None else _open(parts.extra, leaf)  # 3
    verify_inclusion(leaf, parts.index, checkpoint.head, parts.path)  # 4
    return VerifiedProof(
        leaf=leaf,
        index=parts.index,
        origin=checkpoint.origin,
        head=checkpoint.head,
        checkpoint=parts.checkpoint,
        openings=openings,
    )


def _read(proof: bytes) -> _Parts:
    top, gap, checkpoint = proof.partition(b"\n\n")
    first, *lines = top.decode("ascii", "replace").split("\n")
    if not gap or first != _HEADER or len(proof) > PROOF_BYTES_MAX:
        raise InclusionInvalid("not a tlog-proof of version 1")
    extra = None
    if lines and lines[0].startswith("extra "):
        extra = read_base64(lines.pop(0)[6:])
    if not lines or not lines[0].startswith("index "):
        raise InclusionInvalid("a proof has an index")
    index = read_number(lines.pop(0)[6:])
    path = tuple(read_base64(line) for line in lines)
    return _Parts(extra=extra, index=index, path=path, checkpoint=checkpoint)


def _open(extra: bytes, leaf: bytes) -> dict[str, bytes]:
    """Rebuild the entry from what is opened and what is closed; return the opened payloads."""
    try:
        slots = loads_object(extra)
    except ValueError as error:
        raise InclusionInvalid("extra is not JSON") from error
    if slots.keys() != {"v", *SLOTS} or slots["v"] != 1 or slots["v"] is True:
        raise InclusionInvalid("extra is not of version 1")
    openings: dict[str, bytes] = {}
    entry = b"credit-exchange/access/v1\n"
    for slot in SLOTS:
        commitment, payload = _commitment(slot, slots[slot])
        entry += b64encode(commitment) + b"\n"
        if payload is not None:
            openings[slot] = payload
    if leaf_hash(entry) != leaf:
        raise InclusionInvalid("what the proof opens is not the receipt's leaf")
    return openings


def _commitment(slot: str, found: JSON) -> tuple[bytes, bytes | None]:
    match found:
        case {"c": str(closed), **rest} if not rest:
            commitment, payload = read_base64(closed), None
        case {"payload": str(text), "salt": str(salt), **rest} if not rest:
            payload, raw_salt = text.encode("utf-8", "replace"), read_base64(salt)
            if len(raw_salt) != 32:  # Else salt and payload could be cut at another place.
                raise InclusionInvalid("a salt has 32 bytes")
            label = f"credit-exchange/commit/v1\n{slot}\n".encode()
            commitment = hashlib.sha256(label + raw_salt + payload).digest()
        case _:
            raise InclusionInvalid("a slot is opened by payload and salt, or closed")
    if len(commitment) != 32:
        raise InclusionInvalid("a commitment has 32 bytes")
    return commitment, payload
