"""The SDK's half of the OPRF: blinds are fresh and used once, and no unproven output is used."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.crypto.oprf import Evaluation, Evaluator
from exchange_client.errors import ProofInvalid, UsageError
from exchange_client.oprf import ELEMENTS_MAX, Blinding, blind, finalize
from tests.support import oprf_vectors
from tests.support.oprf_reference import Voprf, derive_key
from tests.support.ristretto_reference import IDENTITY, ORDER, PlainPython

RFC = oprf_vectors.rfc9497()
SEED, EPOCHS = oprf_vectors.tokens()
EVALUATOR = Evaluator.from_seed(SEED, "ep_1")
INPUTS = (b"one", b"two", b"three")

each_reference = pytest.mark.parametrize("reference", oprf_vectors.references())


def asked(inputs: Sequence[bytes] = INPUTS) -> tuple[Blinding, Evaluation]:
    """A blinding, and the true evaluation of its elements."""
    blinding = blind(inputs)
    return blinding, EVALUATOR.evaluate(blinding.elements)


@pytest.mark.parametrize("epoch", EPOCHS, ids=lambda epoch: epoch["epoch"])
def test_an_identifier_gets_the_token_of_the_golden_vectors(epoch: oprf_vectors.Epoch) -> None:
    """Another language's SDK must reach the same token, or its members find nothing."""
    evaluator = Evaluator.from_seed(SEED, epoch["epoch"])
    blinding = blind([case["input"].encode() for case in epoch["tokens"]])
    evaluation = evaluator.evaluate(blinding.elements)

    tokens = finalize(
        blinding, evaluation.elements, evaluation.proof, bytes.fromhex(epoch["public_key"])
    )

    assert [case["token"] for case in epoch["tokens"]] == [token.hex() for token in tokens]


@each_reference
@pytest.mark.parametrize("vector", RFC.vectors, ids=lambda vector: vector.section)
def test_the_sdk_reaches_the_outputs_of_rfc_9497(
    reference: Voprf, vector: oprf_vectors.VoprfVector
) -> None:
    """The SDK blinds freshly, so the RFC's key evaluates; the output must be the RFC's."""
    key = derive_key(RFC.seed, RFC.key_info)
    blinding = blind(vector.inputs)

    evaluated, proof = reference.blind_evaluate(key, blinding.elements, r=ORDER - 7)

    assert vector.outputs == finalize(blinding, evaluated, proof, RFC.public_key)


@each_reference
def test_the_sdk_accepts_proofs_that_other_code_has_made(reference: Voprf) -> None:
    """A proof only our own library can make would not be RFC 9497's."""
    key = derive_key(SEED, b"cx/oprf/v1/ep_1")
    blinding = blind(INPUTS)

    evaluated, proof = reference.blind_evaluate(key, blinding.elements, r=12_345)
    outputs = finalize(blinding, evaluated, proof, EVALUATOR.public_key)

    assert tuple(reference.evaluate(key, text) for text in INPUTS) == outputs


@each_reference
def test_other_code_accepts_what_the_sdk_blinds_and_the_evaluator_proves(reference: Voprf) -> None:
    """The other way round: a member with another library is served by this evaluator."""
    blinds = [3, ORDER - 1, 2**200 + 5]
    blinded = list(map(reference.blind, INPUTS, blinds))

    evaluation = EVALUATOR.evaluate(blinded)
    outputs = tuple(map(reference.finalize, INPUTS, blinds, evaluation.elements))

    assert all(map(reference.group.valid, blind(INPUTS).elements))
    assert reference.verify_proof(
        EVALUATOR.public_key, blinded, evaluation.elements, evaluation.proof
    )
    blinding, again = asked()
    assert outputs == finalize(blinding, again.elements, again.proof, EVALUATOR.public_key)


def test_a70_a_blind_reused_is_refused_after_success_and_after_failure() -> None:
    """One blind under two requests lets the exchange see that both name one borrower."""
    blinding, evaluation = asked()
    finalize(blinding, evaluation.elements, evaluation.proof, EVALUATOR.public_key)
    with pytest.raises(UsageError):
        finalize(blinding, evaluation.elements, evaluation.proof, EVALUATOR.public_key)

    blinding, evaluation = asked()
    with pytest.raises(ProofInvalid):
        finalize(blinding, evaluation.elements, bytes(64), EVALUATOR.public_key)
    with pytest.raises(UsageError):
        finalize(blinding, evaluation.elements, evaluation.proof, EVALUATOR.public_key)


@given(st.lists(st.binary(min_size=1, max_size=80), min_size=1, max_size=8))
def test_a70_every_blind_is_fresh(inputs: list[bytes]) -> None:
    """A repeated blind shows the exchange which applications are one person's."""
    elements = [element for _ in range(3) for element in blind(inputs + inputs).elements]

    assert 6 * len(inputs) == len(set(elements))


@pytest.mark.parametrize("half", ["challenge", "response"])
@pytest.mark.parametrize("scalar", [0, ORDER, ORDER + 1, 2**255, 2**256 - 1], ids=hex)
def test_a71_a_proof_scalar_of_zero_or_from_the_order_on_is_refused(half: str, scalar: int) -> None:
    """A proof with two spellings is two proofs to whoever stores it as evidence."""
    blinding, evaluation = asked()
    encoded = scalar.to_bytes(32, "little")
    c, s = evaluation.proof[:32], evaluation.proof[32:]
    proof = encoded + s if half == "challenge" else c + encoded

    with pytest.raises(ProofInvalid):
        finalize(blinding, evaluation.elements, proof, EVALUATOR.public_key)


@pytest.mark.parametrize("place", [0, 32], ids=["challenge", "response"])
def test_a71_the_true_scalar_plus_the_order_is_refused(place: int) -> None:
    """The same number spelled otherwise passes every check but that of its form."""
    blinding, evaluation = asked()
    scalar = int.from_bytes(evaluation.proof[place : place + 32], "little") + ORDER
    proof = (
        evaluation.proof[:place] + scalar.to_bytes(32, "little") + evaluation.proof[place + 32 :]
    )

    with pytest.raises(ProofInvalid):
        finalize(blinding, evaluation.elements, proof, EVALUATOR.public_key)


def test_a71_a_proof_for_another_epoch_is_refused() -> None:
    """Tokens of another epoch's key find nothing, and would read as a clean borrower."""
    blinding = blind(INPUTS)
    other = Evaluator.from_seed(SEED, "ep_2").evaluate(blinding.elements)

    with pytest.raises(ProofInvalid):
        finalize(blinding, other.elements, other.proof, EVALUATOR.public_key)


def test_a71_a_proof_for_another_order_of_elements_is_refused() -> None:
    """Swapped elements would give each borrower the other's debts."""
    blinding, evaluation = asked()
    swapped = (evaluation.elements[1], evaluation.elements[0], evaluation.elements[2])

    with pytest.raises(ProofInvalid):
        finalize(blinding, swapped, evaluation.proof, EVALUATOR.public_key)


def test_a71_a_proof_of_another_batch_is_refused() -> None:
    """A replayed evaluation would answer about the borrowers of an earlier request."""
    _, earlier = asked()
    blinding = blind(INPUTS)

    with pytest.raises(ProofInvalid):
        finalize(blinding, earlier.elements, earlier.proof, EVALUATOR.public_key)


@pytest.mark.parametrize(
    "change",
    ["fewer", "more", "none", "identity", "not-canonical", "shifted", "long-proof", "short-proof"],
)
def test_a71_an_evaluation_of_another_shape_is_refused(change: str) -> None:
    """Whatever is not one canonical element per input is an outage, and no answer."""
    blinding, evaluation = asked()
    one, two, three = evaluation.elements
    elements = {
        "fewer": (one, two),
        "more": (one, two, three, three),
        "none": (),
        "identity": (one, IDENTITY, three),
        "not-canonical": (one, oprf_vectors.ristretto_bad_encodings()[0], three),
        "shifted": (one[:31], one[31:] + two, three),
    }.get(change, evaluation.elements)
    proof = {"long-proof": evaluation.proof + b"\0", "short-proof": evaluation.proof[:63]}.get(
        change, evaluation.proof
    )

    with pytest.raises(ProofInvalid):
        finalize(blinding, elements, proof, EVALUATOR.public_key)


@given(st.integers(0, 2), st.integers(0, 8 * (64 + 3 * 32 + 32) - 1))
def test_any_flipped_bit_is_an_invalid_proof(seed: int, bit: int) -> None:
    """One wrong bit on the way must never become a token that finds nothing."""
    blinding, evaluation = asked((b"a%d" % seed, b"b", b"c"))
    message = bytearray(evaluation.proof + b"".join(evaluation.elements) + EVALUATOR.public_key)
    message[bit // 8] ^= 1 << bit % 8
    proof, one, two, three, key = (
        bytes(message[start:end])
        for start, end in ((0, 64), (64, 96), (96, 128), (128, 160), (160, 192))
    )

    with pytest.raises(ProofInvalid):
        finalize(blinding, (one, two, three), proof, key)


@pytest.mark.parametrize("key", [IDENTITY, b"", b"\xff" * 32, EVALUATOR.public_key + b"\0"])
def test_a_pinned_key_that_is_no_element_proves_nothing(key: bytes) -> None:
    """Under the identity as key, everybody could prove everything."""
    blinding, evaluation = asked()

    with pytest.raises(ProofInvalid):
        finalize(blinding, evaluation.elements, evaluation.proof, key)


@pytest.mark.parametrize(
    "inputs", [[], [b""], [b"ok", b""], [b"x" * 65_536], [b"x"] * (ELEMENTS_MAX + 1)]
)
def test_a68_what_the_evaluator_would_refuse_is_not_sent(inputs: list[bytes]) -> None:
    """The refusal would cost quota; here it costs nothing and names the cause."""
    with pytest.raises(UsageError):
        blind(inputs)


def test_a_full_batch_is_finalized_in_order() -> None:
    """500 rows of an upload must each get their own token."""
    inputs = [b"subject %d" % number for number in range(ELEMENTS_MAX)]
    key = derive_key(SEED, b"cx/oprf/v1/ep_1")
    blinding, evaluation = asked(inputs)

    tokens = finalize(blinding, evaluation.elements, evaluation.proof, EVALUATOR.public_key)

    assert ELEMENTS_MAX == len(set(tokens))
    assert {64} == set(map(len, tokens))
    reference = Voprf(PlainPython())
    for position in (0, 250, 499):
        assert reference.evaluate(key, inputs[position]) == tokens[position]


def test_a_blinding_shows_neither_inputs_nor_blinds() -> None:
    """A logged blinding with its inputs would be a logged identifier."""
    blinding, _ = asked([b"11010519491231002X"])

    assert repr(blinding) == "Blinding(1 elements, open)"
    assert b"11010519491231002X" not in b"".join(blinding.elements)
