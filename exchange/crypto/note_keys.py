"""Keys that sign notes: check their signatures, and hold a witness's own.

The key of the log itself is in the keyring; a witness is another party and has a file of its own.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from exchange.crypto.public_keys import registered_key_of, signature_holds
from exchange.domain.members import Algorithm
from exchange.domain.notes import KeyType, NoteKey
from exchange.errors import SettingsError, WeakKey

_FORMAT = "cx-witness-key/1"
_MODE = 0o600


def note_signature_holds(key: NoteKey, message: bytes, signature: bytes) -> bool:
    """Tell whether this signature is this key's; a key that is none signs nothing."""
    try:
        public_key = registered_key_of(Algorithm.ED25519, key.public_key)
    except WeakKey:
        return False
    return signature_holds(public_key, signature, message)


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessKey:
    """The key of a witness at work."""

    key: NoteKey
    sign: Callable[[bytes], bytes] = field(repr=False)  # 64 bytes out


def create_witness_key(path: Path, name: str) -> str:
    """Write a new key file (mode 0600) and return the key's public line, for policies.

    Raises:
        FileExistsError: a file stands there; a key is never overwritten.
        InvalidNote: the name cannot be a key's.
    """
    private = Ed25519PrivateKey.generate()
    vkey = _public(name, private).vkey()
    secret = base64.b64encode(private.private_bytes_raw()).decode()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
    with os.fdopen(descriptor, "w") as file:
        json.dump({"format": _FORMAT, "name": name, "vkey": vkey, "secret": secret}, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    return vkey


def load_witness_key(path: Path) -> WitnessKey:
    """Read a key file.

    Raises:
        SettingsError: absent, readable by others, or not a whole key.
    """
    try:
        if path.stat().st_mode & 0o077:
            raise SettingsError(f"{path} must have mode 0600")
        content = json.loads(path.read_text())
        secret = base64.b64decode(content["secret"], validate=True)
        private = Ed25519PrivateKey.from_private_bytes(secret)
        return WitnessKey(key=_public(content["name"], private), sign=private.sign)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SettingsError(f"no whole witness key ({type(error).__name__})") from error


def _public(name: str, private: Ed25519PrivateKey) -> NoteKey:
    public = private.public_key().public_bytes_raw()
    return NoteKey(name=name, kind=KeyType.ED25519_COSIGNATURE, public_key=public)
