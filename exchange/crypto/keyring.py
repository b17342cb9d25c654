"""The keyring: sole owner of the exchange's private keys.

One key, one purpose. A key is asked to do its work; its secret never leaves this module but for
the evaluator's seed, which the in-process evaluator takes over, and it never shows in `repr`.
The file is JSON with mode 0600, and holds everything a database thief must not have: keep it on
other storage than the database and its backups.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from exchange.crypto.ed25519 import signing_key
from exchange.crypto.new_keys import fresh_key, write_new
from exchange.errors import ClosedEpoch, SettingsError

_MODE = 0o600
_SHA256_BLOCK_BYTES = 64


class Use(StrEnum):
    """What a key is for; a key serves one use only."""

    RESPONSE = "response"
    RECEIPT = "receipt"
    BATCH = "batch"
    PROMISE = "promise"
    STATEMENT = "statement"
    CHECKPOINT = "checkpoint"
    EVALUATOR = "evaluator"
    INDEX = "index"
    KEK = "kek"
    PSEUDONYM = "pseudonym"
    SEARCH = "search"
    CURSOR = "cursor"
    PAGES = "pages"


SIGNING = (
    Use.RESPONSE,
    Use.RECEIPT,
    Use.BATCH,
    Use.PROMISE,
    Use.STATEMENT,
    Use.CHECKPOINT,
)
BY_EPOCH = (Use.EVALUATOR, Use.INDEX)

# What a thief of each key can do: `exchange keys list` prints it, a test keeps it complete.
HARM: Mapping[Use, str] = {
    Use.RESPONSE: "forge responses; members' own logs contradict them",
    Use.RECEIPT: "forge receipts; no leaf will prove them",
    Use.BATCH: "forge batch receipts; no leaf will prove them",
    Use.PROMISE: "promise leaves that never come",
    Use.STATEMENT: "forge the description and statements; pins contradict them",
    Use.CHECKPOINT: "sign a forked log; witnesses and members' checkpoints show it",
    Use.EVALUATOR: "test guesses of identifiers online; with the index key, offline",
    Use.INDEX: "match tokens it holds against a stolen database",
    Use.KEK: "with a stolen database: read its payloads",
    Use.PSEUDONYM: "with the index key: name the subjects of the log it can open",
    Use.SEARCH: "test guesses of operators and applications in a stolen database",
    Use.CURSOR: "forge cursors, and see nothing more by it",
    Use.PAGES: "hand out challenges for sign-in; a borrower's passkey must still sign them",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKey:
    """The public half of a signing key, as the description lists it."""

    kid: str
    use: Use
    public_key: bytes  # 32 bytes, Ed25519


@dataclass(frozen=True, slots=True, kw_only=True)
class _Key:
    kid: str
    use: Use
    epoch: str | None
    created: int  # unix seconds
    secret: bytes = field(repr=False)  # 32 bytes


_States: TypeAlias = "tuple[hashlib._Hash, hashlib._Hash]"


def _hmac_states(secret: bytes) -> _States:
    """Hash a key's two pads once: an HMAC-SHA256 from there costs half of one from the key.

    Source: RFC 2104, section 4. The secret has 32 bytes, so it is never hashed first.
    """
    block = secret.ljust(_SHA256_BLOCK_BYTES, b"\0")
    inner, outer = (bytes(byte ^ pad for byte in block) for pad in (0x36, 0x5C))
    return hashlib.sha256(inner), hashlib.sha256(outer)


def _hmac(states: _States, message: bytes) -> bytes:
    inner, outer = states[0].copy(), states[1].copy()
    inner.update(message)
    outer.update(inner.digest())
    return outer.digest()


class Keyring:
    """The keys of one exchange, each asked by its use."""

    def __init__(self, environment: str, keys: tuple[_Key, ...]) -> None:
        self.environment = environment
        self._keys = keys
        # The newest key of a use is the one that works; older ones stay for what they made.
        newest = {(key.use, key.epoch): key for key in sorted(keys, key=lambda key: key.created)}
        self._signers = {
            use: (newest[use, None].kid, signing_key(secret))
            for use in SIGNING
            if (secret := newest[use, None].secret)
        }
        self._index = {key.epoch: _hmac_states(key.secret) for key in keys if key.use is Use.INDEX}
        self._keks = {key.kid: AESGCM(key.secret) for key in keys if key.use is Use.KEK}
        self.kek_id = newest[Use.KEK, None].kid
        self._macs = {
            use: _hmac_states(newest[use, None].secret)
            for use in (Use.PSEUDONYM, Use.SEARCH, Use.CURSOR, Use.PAGES)
        }
        # An operator is asked for by the gate and again by the leaf, and stands in many of both.
        self.search_mac = lru_cache(maxsize=4096)(self._search_mac)

    def __repr__(self) -> str:
        return f"Keyring({self.environment}, {len(self._keys)} keys)"

    @property
    def epochs(self) -> tuple[str, ...]:
        """The epochs this keyring can index, oldest first."""
        return tuple(sorted(epoch for epoch in self._index if epoch is not None))

    def kid(self, use: Use) -> str:
        """Return the key id that signatures of this use carry."""
        return self._signers[use][0]

    def signer(self, use: Use) -> Callable[[bytes], bytes]:
        """Return the function that signs under the working key of this use (64 bytes out)."""
        return self._signers[use][1].sign

    def sign_checkpoint(self, text: bytes) -> bytes:
        """Sign a checkpoint's text; the sequencer calls this and nobody else."""
        return self._signers[Use.CHECKPOINT][1].sign(text)

    @property
    def checkpoint_public_key(self) -> bytes:
        """The 32 bytes that verify checkpoints."""
        return self._signers[Use.CHECKPOINT][1].public

    @property
    def fingerprint(self) -> str:
        """What the operator reads out to who pins: of the key that signs the description."""
        return fingerprint(self._signers[Use.STATEMENT][1].public)

    def public_keys(self) -> tuple[PublicKey, ...]:
        """List the public halves, older ones included, for the description."""
        return tuple(
            PublicKey(
                kid=key.kid,
                use=key.use,
                public_key=signing_key(key.secret).public,
            )
            for key in self._keys
            if key.use in SIGNING
        )

    def evaluator_seed(self, epoch: str) -> bytes:
        """Hand the OPRF seed of an epoch to the in-process evaluator.

        Raises:
            ClosedEpoch: this keyring has no such epoch.
        """
        for key in self._keys:
            if key.use is Use.EVALUATOR and key.epoch == epoch:
                return key.secret
        raise ClosedEpoch(f"open: {', '.join(self.epochs)}", field="epoch")

    def index(self, epoch: str, token: bytes) -> bytes:
        """Return the 32 bytes under which a token (64 bytes) is known at rest.

        Source: protocol.md, 1.5.

        Raises:
            ClosedEpoch: this keyring has no such epoch.
        """
        return self.index_each(epoch, (token,))[0]

    def index_each(self, epoch: str, tokens: Sequence[bytes]) -> list[bytes]:
        """Return what `index` does, for many tokens.

        Raises:
            ClosedEpoch: this keyring has no such epoch.
        """
        states = self._index.get(epoch)
        if states is None:
            raise ClosedEpoch(f"open: {', '.join(self.epochs)}", field="epoch")
        return [_hmac(states, token) for token in tokens]

    def pseudonym(self, index: bytes) -> str:
        """Return the name a subject has in the access log: `p:` and 32 hex digits."""
        return "p:" + _hmac(self._macs[Use.PSEUDONYM], index)[:16].hex()

    def _search_mac(self, text: str) -> bytes:
        """Return what an operator or application reference is searched by."""
        return _hmac(self._macs[Use.SEARCH], text.encode())[:16]

    def account_mac(self, member: str, account_ref: str) -> bytes:
        """Return the 16 bytes that a member's account is still known by when its record is gone."""
        return self._search_mac(f"account of {member}\n{account_ref}")

    def cursor_mac(self, body: bytes) -> bytes:
        """Return the MAC that binds a cursor to its member and filter."""
        return _hmac(self._macs[Use.CURSOR], body)

    def pages_mac(self, body: bytes) -> bytes:
        """Return the MAC of what a page gives out before anybody signed in."""
        return _hmac(self._macs[Use.PAGES], body)

    def wrap(self, data_key: bytes, nonce: bytes, aad: bytes) -> bytes:
        """Wrap a 32-byte data key under the working KEK: 60 bytes, nonce first.

        Args:
            nonce: 12 bytes, random, used for nothing else.
        """
        return self.wrap_each([(data_key, nonce, aad)])[0]

    def wrap_each(self, wanted: Iterable[tuple[bytes, bytes, bytes]]) -> list[bytes]:
        """Do what `wrap` does, for many data keys, each with its nonce and its place."""
        encrypt = self._keks[self.kek_id].encrypt
        return [nonce + encrypt(nonce, data_key, aad) for data_key, nonce, aad in wanted]

    def unwrap(self, kek_id: str, wrapped: bytes, aad: bytes) -> bytes:
        """Unwrap a data key.

        Raises:
            KeyError: no such KEK. cryptography.exceptions.InvalidTag: not what was wrapped.
        """
        return self._keks[kek_id].decrypt(wrapped[:12], wrapped[12:], aad)

    def inventory(self) -> list[dict[str, str | int]]:
        """List what the keyring holds, without any secret, for `exchange keys list`."""
        return [
            {"kid": key.kid, "use": key.use.value, "created": key.created, "harm": HARM[key.use]}
            for key in self._keys
        ]


def create_keyring(path: Path, *, environment: str, epoch: str, now: int) -> None:
    """Write a new keyring file with one fresh key of every use (mode 0600).

    Raises:
        FileExistsError: a file stands there; a keyring is never overwritten.
    """
    keys = [fresh_key(use, environment, epoch if use in BY_EPOCH else None, now) for use in Use]
    write_new(path, {"version": 1, "environment": environment, "keys": keys})


def load_keyring(path: Path) -> Keyring:
    """Read a keyring file.

    Raises:
        SettingsError: absent, readable by others, or not a whole keyring.
    """
    try:
        if path.stat().st_mode & 0o077:
            raise SettingsError(f"keyring_path: {path} must have mode 0600")
        content = json.loads(path.read_text())
        keys = tuple(
            _Key(
                kid=row["kid"],
                use=Use(row["use"]),
                epoch=row["epoch"],
                created=row["created"],
                secret=base64.b64decode(row["secret"], validate=True),
            )
            for row in content["keys"]
        )
        return Keyring(content["environment"], keys)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SettingsError(f"keyring_path: no whole keyring ({type(error).__name__})") from error


def fingerprint(public_key: bytes) -> str:
    """Return the fingerprint people read to each other: SHA-256 in groups of four hex digits."""
    digits = hashlib.sha256(public_key).hexdigest()[:32]
    return " ".join(digits[start : start + 4] for start in range(0, 32, 4))
