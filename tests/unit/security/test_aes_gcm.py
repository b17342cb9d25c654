"""Sealing under keys of one message each, held equal to OpenSSL and to published vectors."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.crypto.aes_gcm import by_libsodium, by_openssl, seal_once

KEYS = st.tuples(st.binary(min_size=32, max_size=32), st.binary(min_size=12, max_size=12))
SEALED = st.tuples(KEYS, st.tuples(st.binary(max_size=600), st.binary(max_size=100)))


@given(st.lists(SEALED, max_size=4))
def test_what_is_sealed_once_is_what_openssl_seals(
    wanted: list[tuple[tuple[bytes, bytes], tuple[bytes, bytes]]],
) -> None:
    """A record sealed on one machine must open on every other."""
    keys, messages = [key for key, _ in wanted], [message for _, message in wanted]

    sealed = seal_once(keys, messages)

    assert by_openssl(keys, messages) == sealed


@pytest.mark.parametrize(
    ("plaintext", "sealed"),
    [
        (b"", "530f8afbc74536b9a963b4f1c4cb738b"),
        (bytes(16), "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"),
    ],
)
def test_sealing_meets_the_vectors_of_the_mode(plaintext: bytes, sealed: str) -> None:
    """Cases 13 and 14 of McGrew and Viega, the paper that SP 800-38D is made from."""
    made = seal_once([(bytes(32), bytes(12))], [(plaintext, b"")])

    assert [bytes(12) + bytes.fromhex(sealed)] == made


@pytest.mark.parametrize(("key", "nonce"), [(31, 12), (33, 12), (32, 11), (32, 13), (0, 0)])
def test_a_key_of_another_length_is_refused(key: int, nonce: int) -> None:
    """What lies below reads 32 and 12 bytes, whatever it is given."""
    with pytest.raises(ValueError, match="32 bytes"):
        by_libsodium([(bytes(key), bytes(nonce))], [(b"", b"")])
