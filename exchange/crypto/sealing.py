"""Envelope encryption at rest: payloads under data keys, data keys under the KEK.

AES-256-GCM only, 12-byte random nonces, additional data that binds every ciphertext to its
place. A data key is fresh per record version, or per subject and quarter for the openings of
the log, so it seals far fewer than 2^32 payloads, and deleting its wrapped form shreds them.
Source: crypto.md, 5.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from exchange.crypto.keyring import Keyring
from exchange.errors import IntegrityError

_WRAP = b"credit-exchange/wrap/v1\n"
_SIZES = (256, 512, 1024, 2048, 4096, 8192)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataKey:
    """A data key at work, and its wrapped form to store."""

    kek_id: str
    wrapped: bytes  # 60 bytes
    aead: AESGCM = field(repr=False)

    def seal(self, plaintext: bytes, aad: bytes) -> bytes:
        """Encrypt: 12 bytes of nonce, then the ciphertext with its tag."""
        nonce = os.urandom(12)
        return nonce + self.aead.encrypt(nonce, plaintext, aad)

    def open(self, sealed: bytes, aad: bytes) -> bytes:
        """Decrypt.

        Raises:
            IntegrityError: edited, swapped or truncated.
        """
        try:
            return self.aead.decrypt(sealed[:12], sealed[12:], aad)
        except (InvalidTag, ValueError) as error:
            raise IntegrityError("a sealed payload does not open") from error


class Sealer:
    """Makes and opens data keys under the keyring's KEK."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def new_key(self, aad: bytes) -> DataKey:
        """Make a fresh data key bound to its place."""
        secret = os.urandom(32)
        wrapped = self._keyring.wrap(secret, _WRAP + aad)
        return DataKey(kek_id=self._keyring.kek_id, wrapped=wrapped, aead=AESGCM(secret))

    def open_key(self, kek_id: str, wrapped: bytes, aad: bytes) -> DataKey:
        """Unwrap a stored data key.

        Raises:
            IntegrityError: no such KEK, or not what was wrapped for this place.
        """
        try:
            secret = self._keyring.unwrap(kek_id, wrapped, _WRAP + aad)
        except (InvalidTag, KeyError, ValueError) as error:
            raise IntegrityError("a data key does not unwrap") from error
        return DataKey(kek_id=kek_id, wrapped=wrapped, aead=AESGCM(secret))


def record_aad(record_id: bytes, version: int, member: str, epoch: str) -> bytes:
    """Bind a record's payload to its row: table, id (16 bytes), version, member, epoch, schema."""
    return b"record|1|%s|%d|%s|%s" % (
        record_id.hex().encode(),
        version,
        member.encode(),
        epoch.encode(),
    )


def statement_aad(statement_id: bytes) -> bytes:
    """Bind a borrower's statement to its place: table, id (16 bytes), schema."""
    return b"statement|1|" + statement_id.hex().encode()


def dispute_aad(dispute_id: bytes) -> bytes:
    """Bind what is said in a dispute to its place: table, id (16 bytes), schema."""
    return b"dispute|1|" + dispute_id.hex().encode()


def pad(payload: bytes) -> bytes:
    """Pad to a power of two, 256 to 8,192 bytes, so that lengths tell little.

    Raises:
        ValueError: the payload has more than 8,190 bytes.
    """
    size = next((size for size in _SIZES if len(payload) + 2 <= size), None)
    if size is None:
        raise ValueError("the payload is longer than the largest padded size")
    return (len(payload).to_bytes(2, "big") + payload).ljust(size, b"\0")


def unpad(padded: bytes) -> bytes:
    """Undo `pad`.

    Raises:
        IntegrityError: the length does not fit.
    """
    length = int.from_bytes(padded[:2], "big")
    if len(padded) not in _SIZES or length > len(padded) - 2:
        raise IntegrityError("a padded payload has an impossible length")
    return padded[2 : 2 + length]
