"""Envelope encryption at rest: payloads under data keys, data keys under the KEK.

AES-256-GCM only, 12-byte random nonces, additional data that binds every ciphertext to its
place. A data key is fresh per record version, or per subject and quarter for the openings of
the log, so it seals far fewer than 2^32 payloads, and deleting its wrapped form shreds them.
Source: crypto.md, 5.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct

from exchange.crypto.aes_gcm import seal_once
from exchange.crypto.keyring import Keyring
from exchange.errors import IntegrityError

_WRAP = b"credit-exchange/wrap/v1\n"
_SIZES = (256, 512, 1024, 2048, 4096, 8192)
_SMALLEST = struct.Struct(f"!H{_SIZES[0] - 2}s")  # the length, and the payload followed by zeros
_WRAPPED = struct.Struct("32s 12s")  # a data key, and the nonce that wraps it
_FRESH = struct.Struct("32s 12s 12s")  # a data key, its nonce, and the nonce that wraps it


class DataKey(Struct, frozen=True, kw_only=True, gc=False):
    """A data key at work, and its wrapped form to store."""

    kek_id: str
    wrapped: bytes  # 60 bytes
    aead: AESGCM

    def __repr__(self) -> str:
        return f"DataKey({self.kek_id})"

    def seal(self, plaintext: bytes, aad: bytes) -> bytes:
        """Encrypt: 12 bytes of nonce, then the ciphertext with its tag."""
        return self.seal_under(os.urandom(12), plaintext, aad)

    def seal_under(self, nonce: bytes, plaintext: bytes, aad: bytes) -> bytes:
        """Do what `seal` does, under a nonce drawn before.

        Args:
            nonce: 12 bytes, random, used for nothing else.
        """
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

    @property
    def kek_id(self) -> str:
        """The KEK that wraps new data keys."""
        return self._keyring.kek_id

    def new_key(self, aad: bytes) -> DataKey:
        """Make a fresh data key bound to its place."""
        secret = os.urandom(32)
        wrapped = self._keyring.wrap(secret, os.urandom(12), _WRAP + aad)
        return DataKey(kek_id=self._keyring.kek_id, wrapped=wrapped, aead=AESGCM(secret))

    def new_wrapped(self, aads: Sequence[bytes]) -> list[bytes]:
        """Make a fresh data key bound to each place, for later: their wrapped forms alone."""
        fresh = _WRAPPED.iter_unpack(os.urandom(_WRAPPED.size * len(aads)))
        return self._keyring.wrap_each(
            [(secret, nonce, _WRAP + aad) for (secret, nonce), aad in zip(fresh, aads, strict=True)]
        )

    def open_one(self, wrapped: tuple[str, bytes], sealed: bytes, aad: bytes) -> bytes:
        """Open the one payload of a data key: what `open_key` and `DataKey.open` do.

        Args:
            wrapped: the KEK's id, and the wrapped data key.

        Raises:
            IntegrityError: no such KEK, or one of both is not what was made for this place.
        """
        try:
            secret = self._keyring.unwrap(*wrapped, _WRAP + aad)
            return AESGCM(secret).decrypt(sealed[:12], sealed[12:], aad)
        except (InvalidTag, KeyError, ValueError) as error:
            raise IntegrityError("a sealed payload does not open") from error

    def seal_each(self, payloads: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """Seal many payloads, each under a fresh data key of its own, bound to its place.

        The same as `new_key` and `seal` for each, with one draw of randomness for all.

        Args:
            payloads: what to seal, and its place.

        Returns:
            of each, the wrapped data key and the sealed payload.
        """
        fresh = list(_FRESH.iter_unpack(os.urandom(_FRESH.size * len(payloads))))
        wrapped = self._keyring.wrap_each(
            [
                (secret, nonce, _WRAP + aad)
                for (secret, _, nonce), (_, aad) in zip(fresh, payloads, strict=True)
            ]
        )
        sealed = seal_once([(secret, nonce) for secret, nonce, _ in fresh], payloads)
        return list(zip(wrapped, sealed, strict=True))

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
    return f"record|1|{record_id.hex()}|{version}|{member}|{epoch}".encode()


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
    length = len(payload)
    if length + 2 <= _SIZES[0]:
        return _SMALLEST.pack(length, payload)
    size = 1 << (length + 1).bit_length()
    if size > _SIZES[-1]:
        raise ValueError("the payload is longer than the largest padded size")
    return (length.to_bytes(2, "big") + payload).ljust(size, b"\0")


def unpad(padded: bytes) -> bytes:
    """Undo `pad`.

    Raises:
        IntegrityError: the length does not fit.
    """
    length = int.from_bytes(padded[:2], "big")
    if len(padded) not in _SIZES or length > len(padded) - 2:
        raise IntegrityError("a padded payload has an impossible length")
    return padded[2 : 2 + length]
