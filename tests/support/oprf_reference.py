"""RFC 9497's VOPRF (mode 0x01, ristretto255-SHA512) a second time, step by step as it is written.

It shares no code with the library the exchange and the SDK use, takes blinds and proof scalars as
arguments so that the RFC's vectors can be held against it, and is for tests alone: not fast, not
constant in time. Names follow the RFC.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from tests.support.ristretto_reference import IDENTITY, ORDER, Group

CONTEXT = b"OPRFV1-" + bytes([1]) + b"-ristretto255-SHA512"  # 3.1, CreateContextString


def expand_message_xmd(message: bytes, dst: bytes, length: int) -> bytes:
    """RFC 9380 5.3.1 with SHA-512."""
    dst_prime = dst + bytes([len(dst)])
    padded = bytes(128) + message + length.to_bytes(2) + bytes(1) + dst_prime
    b_0 = hashlib.sha512(padded).digest()
    block, uniform = bytes(64), b""
    for index in range(1, -(-length // 64) + 1):
        mixed = bytes(one ^ other for one, other in zip(b_0, block, strict=True))
        block = hashlib.sha512(mixed + bytes([index]) + dst_prime).digest()
        uniform += block
    return uniform[:length]


def hash_to_scalar(message: bytes, dst: bytes = b"HashToScalar-" + CONTEXT) -> int:
    """4.1, HashToScalar."""
    return int.from_bytes(expand_message_xmd(message, dst, 64), "little") % ORDER


def read_scalar(encoded: bytes) -> int:
    """4.1, DeserializeScalar: little-endian, below the order."""
    scalar = int.from_bytes(encoded, "little")
    if len(encoded) != 32 or scalar >= ORDER:
        raise ValueError("not a canonical scalar")
    return scalar


def derive_key(seed: bytes, info: bytes) -> int:
    """3.2.1, DeriveKeyPair: the private half."""
    for counter in range(256):
        message = seed + _sized(info) + bytes([counter])
        if key := hash_to_scalar(message, b"DeriveKeyPair" + CONTEXT):
            return key
    raise ValueError("no key in 256 tries")


class Voprf:
    """The protocol over one group; both sides."""

    def __init__(self, group: Group) -> None:
        self.group = group

    def hash_to_group(self, message: bytes) -> bytes:
        """4.1, HashToGroup."""
        return self.group.map(expand_message_xmd(message, b"HashToGroup-" + CONTEXT, 64))

    def read_element(self, encoded: bytes) -> bytes:
        """4.1, DeserializeElement: canonical and not the identity."""
        if not self.group.valid(encoded) or encoded == IDENTITY:
            raise ValueError("not an element, or the identity")
        return encoded

    def blind(self, text: bytes, blind: int) -> bytes:
        """3.3.2, Blind."""
        return self.group.multiply(blind, self.hash_to_group(text))

    def blind_evaluate(
        self, key: int, blinded: Sequence[bytes], r: int
    ) -> tuple[list[bytes], bytes]:
        """3.3.2, BlindEvaluate, for a batch."""
        evaluated = [self.group.multiply(key, self.read_element(element)) for element in blinded]
        return evaluated, self._generate_proof(key, blinded, evaluated, r)

    def finalize(self, text: bytes, blind: int, evaluated: bytes) -> bytes:
        """3.3.2, Finalize, after the proof was verified."""
        unblinded = self.group.multiply(pow(blind, -1, ORDER), self.read_element(evaluated))
        return hashlib.sha512(_sized(text) + _sized(unblinded) + b"Finalize").digest()

    def evaluate(self, key: int, text: bytes) -> bytes:
        """3.3.1, Evaluate: what whoever holds the key can compute alone."""
        return self.finalize(text, 1, self.group.multiply(key, self.hash_to_group(text)))

    def verify_proof(
        self, public_key: bytes, blinded: Sequence[bytes], evaluated: Sequence[bytes], proof: bytes
    ) -> bool:
        """2.2.2, VerifyProof."""
        c, s = read_scalar(proof[:32]), read_scalar(proof[32:])
        m, z = self._composites(public_key, blinded, evaluated)
        add, times = self.group.add, self.group.multiply
        t2 = add(self.group.multiply_base(s), times(c, public_key))
        t3 = add(times(s, m), times(c, z))
        return c == _challenge(public_key, m, z, t2, t3)

    def _generate_proof(
        self, key: int, blinded: Sequence[bytes], evaluated: Sequence[bytes], r: int
    ) -> bytes:
        """2.2.1, GenerateProof; Z is k times M (ComputeCompositesFast)."""
        public_key = self.group.multiply_base(key)
        m, _ = self._composites(public_key, blinded, evaluated)
        z = self.group.multiply(key, m)
        t2, t3 = self.group.multiply_base(r), self.group.multiply(r, m)
        c = _challenge(public_key, m, z, t2, t3)
        return c.to_bytes(32, "little") + ((r - c * key) % ORDER).to_bytes(32, "little")

    def _composites(
        self, public_key: bytes, blinded: Sequence[bytes], evaluated: Sequence[bytes]
    ) -> tuple[bytes, bytes]:
        """2.2.1 and 2.2.2, ComputeComposites."""
        seed = hashlib.sha512(_sized(public_key) + _sized(b"Seed-" + CONTEXT)).digest()
        m, z = IDENTITY, IDENTITY
        for index, (c, d) in enumerate(zip(blinded, evaluated, strict=True)):
            transcript = _sized(seed) + index.to_bytes(2) + _sized(c) + _sized(d) + b"Composite"
            weight = hash_to_scalar(transcript)
            m = self.group.add(m, self.group.multiply(weight, c))
            z = self.group.add(z, self.group.multiply(weight, d))
        return m, z


def _challenge(*elements: bytes) -> int:
    """The challenge of 2.2: B, M, Z, t2, t3."""
    return hash_to_scalar(b"".join(_sized(element) for element in elements) + b"Challenge")


def _sized(text: bytes) -> bytes:
    """I2OSP(len(text), 2) and the text."""
    return len(text).to_bytes(2) + text
