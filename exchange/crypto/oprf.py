"""Evaluate blinded elements under one epoch's key, and prove that it was that key.

In:  1 to 500 blinded elements, as bytes from outside.
Out: as many evaluated elements in the same order, and one batched DLEQ proof for all of them.
Not here: identifiers and tokens. The evaluator sees blinded elements only and learns nothing.

Source: RFC 9497, mode 0x01 (VOPRF), ristretto255-SHA512; crypto.md 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from voprf import ristretto

from exchange.errors import Fault, InvalidToken, TooLarge

ELEMENTS_MAX = 500  # elements under one proof
SEED_BYTES = 32
ELEMENT_BYTES = 32
PROOF_BYTES = 64  # two scalars, c then s

_ELEMENT = "must be 32 bytes, a canonical ristretto255 element and not the identity"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Evaluated elements, in the order of the blinded ones, and the proof that covers them all."""

    elements: tuple[bytes, ...]  # 32 bytes each
    proof: bytes  # 64 bytes


class Evaluator:
    """The OPRF key of one epoch. Its secret shows nowhere and cannot be read back."""

    __slots__ = ("_key", "epoch", "public_key")

    def __init__(self, key: ristretto.Evaluator, epoch: str) -> None:
        self._key = key
        self.epoch = epoch
        self.public_key = key.public_key.serialize()  # 32 bytes

    @classmethod
    def from_seed(cls, seed: bytes, epoch: str) -> Evaluator:
        """Derive the key of an epoch from its 32-byte seed.

        Source: RFC 9497 3.2.1 (DeriveKeyPair) with info `cx/oprf/v1/` and the epoch.
        """
        if len(seed) != SEED_BYTES:  # The library takes any length.
            raise ValueError(f"an evaluator's seed has {SEED_BYTES} bytes, not {len(seed)}")
        return cls(ristretto.Evaluator.from_seed(seed, f"cx/oprf/v1/{epoch}".encode()), epoch)

    def __repr__(self) -> str:
        return f"Evaluator({self.epoch}, public key {self.public_key.hex()})"

    def evaluate(self, elements: Sequence[bytes]) -> Evaluation:
        """Evaluate all the elements under one proof, or none of them.

        An element that stands twice is evaluated, and counted by the caller, twice.

        Raises:
            TooLarge: more than 500 elements.
            InvalidToken: no element, or a bad one; each fault points to its element.

        Source: RFC 9497 3.3.2 (BlindEvaluate).
        """
        blinded = _parse(elements)
        # The library writes the proof first, then the elements one after another.
        output = self._key.evaluate_batch(blinded).serialize()
        return Evaluation(
            elements=tuple(
                output[start : start + ELEMENT_BYTES]
                for start in range(PROOF_BYTES, len(output), ELEMENT_BYTES)
            ),
            proof=output[:PROOF_BYTES],
        )


def _parse(elements: Sequence[bytes]) -> list[ristretto.BlindedInput]:
    """Read elements from outside. Counts come first: they cost nothing."""
    if len(elements) > ELEMENTS_MAX:
        raise TooLarge(f"1 to {ELEMENTS_MAX} elements a request", field="elements")
    if not elements:
        raise InvalidToken(f"1 to {ELEMENTS_MAX} elements a request", field="elements")
    blinded = []
    bad = []
    for position, element in enumerate(elements):
        try:
            if len(element) != ELEMENT_BYTES:  # The library overlooks what follows 32 bytes.
                raise ValueError
            blinded.append(ristretto.BlindedInput.deserialize(element))
        except ValueError:
            bad.append(position)
    if bad:
        raise InvalidToken(
            "a blinded element is refused; none was evaluated",
            faults=tuple(
                Fault(f"/elements/{position}", InvalidToken.code, _ELEMENT) for position in bad
            ),
        )
    return blinded
