"""The evaluator: what it evaluates, what it refuses, and what it proves."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from voprf import ristretto

from exchange.crypto.oprf import ELEMENTS_MAX, Evaluator
from exchange.errors import InvalidToken, TooLarge
from tests.support import oprf_vectors
from tests.support.oprf_reference import Voprf
from tests.support.ristretto_reference import IDENTITY, PlainPython

RFC = oprf_vectors.rfc9497()
SEED, EPOCHS = oprf_vectors.tokens()
EVALUATOR = Evaluator.from_seed(SEED, "ep_1")
GOOD = oprf_vectors.ristretto_multiples()[1]

each_reference = pytest.mark.parametrize("reference", oprf_vectors.references())


def rfc_evaluator() -> Evaluator:
    """The evaluator under the key of RFC 9497 A.1.2, whose info is not one of our epochs."""
    return Evaluator(ristretto.Evaluator.from_seed(RFC.seed, RFC.key_info), "rfc")


@each_reference
def test_the_evaluator_gives_the_evaluations_of_rfc_9497(reference: Voprf) -> None:
    """Members with another RFC 9497 library must get the same tokens as those with our SDK."""
    evaluator = rfc_evaluator()

    assert RFC.public_key == evaluator.public_key
    for vector in RFC.vectors:
        evaluation = evaluator.evaluate(vector.blinded)
        assert vector.evaluated == evaluation.elements
        assert reference.verify_proof(
            RFC.public_key, vector.blinded, evaluation.elements, evaluation.proof
        )


@pytest.mark.parametrize("epoch", EPOCHS, ids=lambda epoch: epoch["epoch"])
def test_each_epoch_has_the_key_that_its_name_derives(epoch: oprf_vectors.Epoch) -> None:
    """A restored seed that derives another key would lose every record at once."""
    evaluator = Evaluator.from_seed(SEED, epoch["epoch"])

    assert epoch["public_key"] == evaluator.public_key.hex()
    assert epoch["epoch"] == evaluator.epoch


@given(st.integers(1, 40))
def test_a_batch_comes_back_in_order_and_whole(count: int) -> None:
    """An element under another's place would give one borrower the token of another."""
    blinded = [ristretto.Client.blind(bytes([n + 1]))[1].serialize() for n in range(count)]

    together = EVALUATOR.evaluate(blinded)

    alone = tuple(EVALUATOR.evaluate([element]).elements[0] for element in blinded)
    assert alone == together.elements
    assert {32} == set(map(len, together.elements))
    assert len(together.proof) == 64


def test_a_full_request_is_evaluated_under_one_proof() -> None:
    """A limit that refuses its own last value would make nightly uploads fail at 500."""
    blinded = [ristretto.Client.blind(b"x")[1].serialize() for _ in range(ELEMENTS_MAX)]

    evaluation = EVALUATOR.evaluate(blinded)

    assert ELEMENTS_MAX == len(set(evaluation.elements))
    public_key = EVALUATOR.public_key
    assert Voprf(PlainPython()).verify_proof(
        public_key, blinded[:3], evaluation.elements[:3], EVALUATOR.evaluate(blinded[:3]).proof
    )


@pytest.mark.parametrize("position", [0, 250, 499])
def test_a68_one_bad_element_refuses_the_whole_request(position: int) -> None:
    """Half an answer would leave the member with tokens whose order it must guess."""
    elements = [GOOD] * ELEMENTS_MAX
    elements[position] = IDENTITY

    with pytest.raises(InvalidToken) as caught:
        EVALUATOR.evaluate(elements)

    assert [f"/elements/{position}"] == [fault.pointer for fault in caught.value.faults]
    assert ["token.element"] == [fault.code for fault in caught.value.faults]


def test_a68_every_bad_element_is_named() -> None:
    """A member that mends one element a try spends its quota on finding the next."""
    with pytest.raises(InvalidToken) as caught:
        EVALUATOR.evaluate([b"", GOOD, IDENTITY, GOOD + b"\0"])

    assert ["/elements/0", "/elements/2", "/elements/3"] == [
        fault.pointer for fault in caught.value.faults
    ]


def test_a68_no_element_is_a_refused_field() -> None:
    """An empty batch would be signed by a proof about nothing."""
    with pytest.raises(InvalidToken) as caught:
        EVALUATOR.evaluate([])

    assert ["/elements"] == [fault.pointer for fault in caught.value.faults]


def test_a68_501_elements_are_too_large_before_any_is_read() -> None:
    """Work before the count would let one request take a worker for as long as it likes."""
    with pytest.raises(TooLarge) as caught:
        EVALUATOR.evaluate([b"not read"] * (ELEMENTS_MAX + 1))

    assert ["/elements"] == [fault.pointer for fault in caught.value.faults]


@pytest.mark.parametrize(
    "element",
    [
        *oprf_vectors.ristretto_bad_encodings(),
        IDENTITY,
        b"",
        GOOD[:31],
        GOOD + b"\0",
        GOOD * 2,
        b"\xff" * 32,
    ],
    ids=lambda element: element.hex()[:70] or "empty",
)
def test_a68_what_is_no_canonical_element_is_refused(element: bytes) -> None:
    """Elements outside the group, or twice spelled, are how a static key is probed."""
    with pytest.raises(InvalidToken):
        EVALUATOR.evaluate([element])


def test_a69_an_element_that_stands_many_times_is_evaluated_and_counted_each_time() -> None:
    """Copies that counted once would let a member measure the evaluator beside its quota."""
    elements = [GOOD] * ELEMENTS_MAX

    evaluations = [EVALUATOR.evaluate(elements) for _ in range(2)]

    assert [ELEMENTS_MAX] * 2 == [len(evaluation.elements) for evaluation in evaluations]
    assert len({element for each in evaluations for element in each.elements}) == 1


def test_a70_a_blind_of_zero_is_refused() -> None:
    """Zero times any borrower is the identity: every borrower would share one token."""
    with pytest.raises(InvalidToken):
        EVALUATOR.evaluate([IDENTITY])


@given(st.binary(min_size=30, max_size=34) | st.binary(min_size=32, max_size=32))
def test_any_bytes_are_refused_or_provably_evaluated(element: bytes) -> None:
    """A crash here is a 500 that an attacker can ask for; the reference says which it must be."""
    reference = Voprf(PlainPython())
    try:
        evaluation = EVALUATOR.evaluate([element])
    except InvalidToken:
        assert element == IDENTITY or not reference.group.valid(element)
        return

    assert reference.group.valid(element)
    assert reference.verify_proof(
        EVALUATOR.public_key, [element], evaluation.elements, evaluation.proof
    )


def test_a_refused_element_is_not_repeated() -> None:
    """Errors reach logs; a blinded element there ties a log line to a request."""
    element = b"\xfe" * 32

    with pytest.raises(InvalidToken) as caught:
        EVALUATOR.evaluate([element])

    shown = f"{caught.value} {caught.value.faults} {caught.value.args}"
    assert element.hex() not in shown
    assert repr(element) not in shown


def test_the_secret_neither_shows_nor_travels() -> None:
    """A seed in a traceback or a pickled queue is a key that someone else holds."""
    shown = f"{EVALUATOR} {EVALUATOR!r} {vars(type(EVALUATOR)).keys()}"

    assert SEED.hex() not in shown
    assert EVALUATOR.public_key.hex() in shown
    with pytest.raises(TypeError):
        pickle.dumps(EVALUATOR)


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_seed_of_another_length_is_refused(length: int) -> None:
    """A truncated keyring would make a key that looks right and finds no record."""
    with pytest.raises(ValueError, match="32 bytes"):
        Evaluator.from_seed(b"s" * length, "ep_1")
