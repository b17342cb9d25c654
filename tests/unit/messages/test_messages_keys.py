"""Public keys: the weak ones are refused before they are ever registered."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from exchange.crypto.ed25519 import VerifyingKey, signing_key
from exchange.crypto.public_keys import public_key_of, signature_holds
from exchange.domain.members import Algorithm
from exchange.errors import RuleError, WeakKey
from tests.support.message_parts import loaded

FIELD = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
ORDER_EIGHT_Y = int.from_bytes(
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
)
# The eight points of small order and every other spelling of them that some library reads.
# Source: the list in libsodium's ge25519_has_small_order.
SMALL_ORDER_Y = (
    0,
    1,
    ORDER_EIGHT_Y,
    FIELD - ORDER_EIGHT_Y,
    FIELD - 1,
    FIELD,
    FIELD + 1,
)
# A point of full order: the base point plus the point of order two, (0, -1).
BASE_Y = 4 * pow(5, -1, FIELD) % FIELD


def encoded(y: int, sign: int = 0) -> bytes:
    """Write a point by its y coordinate, canonical or not."""
    return (y | sign << 255).to_bytes(32, "little")


@pytest.mark.parametrize("sign", [0, 1])
@pytest.mark.parametrize("y", SMALL_ORDER_Y)
def test_a25_an_ed25519_key_of_small_order_is_refused(y: int, sign: int) -> None:
    """Under such a key one fixed signature passes for many messages."""
    with pytest.raises(WeakKey) as refused:
        public_key_of(Algorithm.ED25519, encoded(y, sign))

    assert isinstance(refused.value, RuleError)  # 422 at enrolment


def test_a25_an_ed25519_key_with_a_small_order_part_is_refused() -> None:
    """Libraries disagree about such a key: what one takes as signed, another does not."""
    strong = encoded(BASE_Y)
    mixed = encoded(FIELD - BASE_Y, 1)  # (-x, -y): the sum with the point of order two

    public_key_of(Algorithm.ED25519, strong)
    with pytest.raises(WeakKey):
        public_key_of(Algorithm.ED25519, mixed)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        bytes(31),
        bytes(33),
        encoded(2),  # no point has this y
        encoded(FIELD + 3),  # a second spelling of y = 3
        b"\xff" * 32,
    ],
)
def test_a25_what_is_no_ed25519_key_is_refused(raw: bytes) -> None:
    """A key with two spellings could be registered twice, or never match."""
    with pytest.raises(WeakKey):
        public_key_of(Algorithm.ED25519, raw)


def test_a25_keys_made_as_they_should_be_are_taken() -> None:
    """The checks must never refuse a member's honest key."""
    for _ in range(20):
        key = Ed25519PrivateKey.generate()
        public = public_key_of(Algorithm.ED25519, key.public_key().public_bytes_raw())
        assert signature_holds(public, key.sign(b"x"), b"x")


def test_a25_p256_keys_of_another_form_or_curve_are_refused() -> None:
    """One spelling a key, and only the curve that the algorithm names."""
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    good = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    wrong_curve = ec.generate_private_key(ec.SECP384R1()).public_key()
    secp256k1 = ec.generate_private_key(ec.SECP256K1()).public_key()

    assert public_key_of(Algorithm.ECDSA_P256, good) == key
    for raw in (
        key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint),
        wrong_curve.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint),
        secp256k1.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint),
        good[:-1] + bytes([good[-1] ^ 1]),
        b"\x06" + good[1:],
        b"\x04" + bytes(64),
        b"\x00",
        good + b"\x00",
        Ed25519PrivateKey.generate().public_key().public_bytes_raw(),
    ):
        with pytest.raises(WeakKey):
            public_key_of(Algorithm.ECDSA_P256, raw)


@pytest.mark.parametrize(
    ("r", "s"),
    [
        (0, 1),
        (1, 0),
        (P256_ORDER, 1),
        (1, P256_ORDER),
        (P256_ORDER + 1, 1),
        (2**256 - 1, 2**256 - 1),
        (0, 0),
    ],
)
def test_a25_p256_signatures_out_of_range_are_refused(r: int, s: int) -> None:
    """Zeros and numbers past the order have broken verifiers before."""
    key = ec.generate_private_key(ec.SECP256R1()).public_key()

    assert not signature_holds(key, r.to_bytes(32, "big") + s.to_bytes(32, "big"), b"x")


def test_a25_an_ed25519_signature_has_one_spelling_of_s() -> None:
    """S + L passes in lax libraries: one request would have two signatures."""
    key = Ed25519PrivateKey.generate()
    public, signature = loaded(key.public_key()), key.sign(b"x")
    s = int.from_bytes(signature[32:], "little")

    assert signature_holds(public, signature, b"x")
    for other in (s + ORDER, ORDER, 2**256 - 1):
        forged = signature[:32] + other.to_bytes(32, "little")
        assert not signature_holds(public, forged, b"x")


@pytest.mark.parametrize("length", [0, 63, 65, 128])
def test_a25_a_signature_of_another_length_is_refused(length: int) -> None:
    """Lengths are part of the form; none is cut or padded."""
    public = loaded(Ed25519PrivateKey.generate().public_key())

    assert not signature_holds(public, bytes(length), b"x")


@given(seed=st.binary(min_size=32, max_size=32), message=st.binary(max_size=200))
def test_ed25519_here_and_in_the_stock_library_is_one(seed: bytes, message: bytes) -> None:
    """Receipts and checkpoints are verified for years by tools that are not ours."""
    ours, stock = signing_key(seed), Ed25519PrivateKey.from_private_bytes(seed)

    assert stock.public_key().public_bytes_raw() == ours.public
    assert stock.sign(message) == ours.sign(message)
    assert VerifyingKey(ours.public).holds(ours.sign(message), message)
    assert not VerifyingKey(ours.public).holds(ours.sign(message), message + b"x")


def test_a_signing_key_does_not_show_itself() -> None:
    """What is printed ends in logs."""
    assert "SigningKey()" == repr(signing_key(bytes(32)))
