"""The second implementation against the RFCs' own vectors: a judge must be judged first."""

from __future__ import annotations

import pytest

from tests.support import oprf_vectors
from tests.support.oprf_reference import Voprf, derive_key, expand_message_xmd, read_scalar
from tests.support.ristretto_reference import IDENTITY, ORDER

RFC = oprf_vectors.rfc9497()

each_reference = pytest.mark.parametrize("reference", oprf_vectors.references())
each_vector = pytest.mark.parametrize("vector", RFC.vectors, ids=lambda vector: vector.section)


def test_message_expansion_is_that_of_rfc_9380() -> None:
    """A wrong expansion would give tokens that no other implementation can reach."""
    for dst, message, uniform in oprf_vectors.expansions():
        assert uniform == expand_message_xmd(message, dst, len(uniform))


@each_reference
def test_the_group_has_the_multiples_of_rfc_9496(reference: Voprf) -> None:
    """A wrong group would still agree with itself, and with nobody else."""
    multiples = oprf_vectors.ristretto_multiples()

    assert multiples[0] == IDENTITY
    for factor, multiple in enumerate(multiples[1:], start=1):
        assert multiple == reference.group.multiply_base(factor)
        assert multiple == reference.group.add(multiples[factor - 1], multiples[1])


@each_reference
def test_the_group_refuses_the_encodings_that_rfc_9496_refuses(reference: Voprf) -> None:
    """An element with two spellings would be two elements to a replay check, and one to the key."""
    bad = oprf_vectors.ristretto_bad_encodings()

    assert len(bad) == 29
    assert not any(reference.group.valid(encoding) for encoding in bad)
    assert all(reference.group.valid(good) for good in oprf_vectors.ristretto_multiples())


@each_reference
def test_uniform_bytes_map_to_the_elements_of_rfc_9496(reference: Voprf) -> None:
    """The map decides which element a borrower becomes."""
    maps = oprf_vectors.ristretto_maps()

    assert len(maps) == 11
    for uniform, element in maps:
        assert element == reference.group.map(uniform)


@each_reference
def test_the_key_is_derived_as_in_rfc_9497(reference: Voprf) -> None:
    """An exchange that restores its seed elsewhere must find its tokens again."""
    key = derive_key(RFC.seed, RFC.key_info)

    assert read_scalar(RFC.private_key) == key
    assert RFC.public_key == reference.group.multiply_base(key)


@each_reference
@each_vector
def test_the_reference_gives_the_vectors_of_rfc_9497(
    reference: Voprf, vector: oprf_vectors.VoprfVector
) -> None:
    """Blind, evaluation, proof and output to the byte, with the RFC's own random scalars."""
    blinds = [read_scalar(blind) for blind in vector.blinds]
    key = read_scalar(RFC.private_key)

    blinded = tuple(map(reference.blind, vector.inputs, blinds))
    evaluated, proof = reference.blind_evaluate(key, blinded, read_scalar(vector.proof_scalar))
    outputs = tuple(map(reference.finalize, vector.inputs, blinds, evaluated))

    assert vector.blinded == blinded
    assert vector.evaluated == tuple(evaluated)
    assert vector.proof == proof
    assert vector.outputs == outputs
    assert vector.outputs == tuple(reference.evaluate(key, text) for text in vector.inputs)


@each_reference
@each_vector
def test_the_reference_verifies_the_proofs_of_rfc_9497_and_no_others(
    reference: Voprf, vector: oprf_vectors.VoprfVector
) -> None:
    """A judge that accepts every proof would acquit the library of anything."""
    c, s = vector.proof[:32], vector.proof[32:]
    other = ((read_scalar(s) + 1) % ORDER).to_bytes(32, "little")

    assert reference.verify_proof(RFC.public_key, vector.blinded, vector.evaluated, vector.proof)
    assert not reference.verify_proof(RFC.public_key, vector.blinded, vector.evaluated, c + other)
    assert not reference.verify_proof(RFC.public_key, vector.evaluated, vector.blinded, c + s)
    with pytest.raises(ValueError, match="canonical"):
        reference.verify_proof(
            RFC.public_key, vector.blinded, vector.evaluated, c + ORDER.to_bytes(32, "little")
        )
