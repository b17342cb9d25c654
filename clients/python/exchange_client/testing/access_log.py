"""The fake's access log: real leaves, a real tree, a checkpoint under a real key.

Small trees only: each proof is computed from all leaves.
Source: log.md 2, 3 and 10; RFC 6962.
"""

from __future__ import annotations

import hashlib
import json
import os
from base64 import b64encode
from collections.abc import Mapping
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from exchange_client.merkle import leaf_hash

SLOTS: Final = ("subject", "audit")
_COMMIT: Final = b"credit-exchange/commit/v1\n"
_ENTRY: Final = b"credit-exchange/access/v1\n"


class AccessLog:
    """An append-only log. While it is held, leaves have no place in the tree yet."""

    def __init__(self, origin: str, key: Ed25519PrivateKey) -> None:
        self.origin = origin
        self.held = False
        self._key = key
        self._leaves: list[bytes] = []
        self._waiting: list[bytes] = []
        self._openings: dict[bytes, dict[str, object]] = {}
        self._members: dict[bytes, str] = {}

    @property
    def vkey(self) -> str:
        """The log's key in one line, as members pin it."""
        typed = b"\x01" + self._key.public_key().public_bytes_raw()
        return f"{self.origin}+{self._key_id().hex()}+{b64encode(typed).decode()}"

    def append(
        self, member: str, subject: Mapping[str, object], audit: Mapping[str, object]
    ) -> bytes:
        """Add a leaf of this member and return its hash."""
        entry = _ENTRY
        opened: dict[str, object] = {"v": 1}
        for slot, payload in zip(SLOTS, (subject, audit), strict=True):
            salt, text = os.urandom(32), _canonical(payload)
            label = _COMMIT + slot.encode() + b"\n"
            commitment = hashlib.sha256(label + salt + text.encode()).digest()
            entry += b64encode(commitment) + b"\n"
            opened[slot] = {"payload": text, "salt": b64encode(salt).decode()}
        leaf = leaf_hash(entry)
        self._openings[leaf] = opened
        self._members[leaf] = member
        self._waiting.append(leaf)
        self.sequence()
        return leaf

    def sequence(self) -> None:
        """Give waiting leaves their place, unless the log is held."""
        if not self.held:
            self._leaves += self._waiting
            self._waiting.clear()

    def proof(self, leaf: bytes) -> bytes | None:
        """Return the `.tlog-proof` of a leaf, None while it has no place in the tree."""
        if leaf not in self._leaves:
            return None
        index = self._leaves.index(leaf)
        extra = b64encode(_canonical(self._openings[leaf]).encode()).decode()
        path = [b64encode(node).decode() for node in _path(self._leaves, index)]
        lines = ["c2sp.org/tlog-proof@v1", f"extra {extra}", f"index {index}", *path, "", ""]
        return "\n".join(lines).encode() + self._checkpoint()

    def knows(self, size: int, root: bytes) -> bool:
        """Tell whether this log had this root at this size."""
        return 0 < size <= len(self._leaves) and _root(self._leaves[:size]) == root

    def is_of(self, leaf: bytes, member: str) -> bool:
        """Tell whether this leaf was added for this member."""
        return self._members.get(leaf) == member

    def payloads(self, slot: str) -> list[dict[str, object]]:
        """Return what the leaves say, in order: for tests that look at the log."""
        opened = (self._openings[leaf][slot] for leaf in self._leaves + self._waiting)
        return [json.loads(one["payload"]) for one in opened if isinstance(one, dict)]

    def _checkpoint(self) -> bytes:
        root = b64encode(_root(self._leaves)).decode()
        text = f"{self.origin}\n{len(self._leaves)}\n{root}\n"
        signature = b64encode(self._key_id() + self._key.sign(text.encode())).decode()
        return f"{text}\n— {self.origin} {signature}\n".encode()

    def _key_id(self) -> bytes:
        typed = b"\x01" + self._key.public_key().public_bytes_raw()
        return hashlib.sha256(self.origin.encode() + b"\n" + typed).digest()[:4]


def _canonical(value: Mapping[str, object]) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _root(leaves: list[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    half = _half(len(leaves))
    return hashlib.sha256(b"\x01" + _root(leaves[:half]) + _root(leaves[half:])).digest()


def _path(leaves: list[bytes], index: int) -> list[bytes]:
    if len(leaves) == 1:
        return []
    half = _half(len(leaves))
    if index < half:
        return [*_path(leaves[:half], index), _root(leaves[half:])]
    return [*_path(leaves[half:], index - half), _root(leaves[:half])]


def _half(size: int) -> int:
    return 1 << (size - 1).bit_length() - 1
