"""Leaves: canonical payloads, commitments that hide, openings that prove themselves."""

from __future__ import annotations

import json
import os
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import cast

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from exchange.domain import leaves
from exchange.domain.leaves import JsonValue, Opening, Slot
from exchange.errors import IntegrityError, InvalidPayload

VECTOR = json.loads((Path(__file__).parents[2] / "vectors/access_log_v1.json").read_text())
SALT = bytes(range(32))

texts = st.text()
keys = st.text(alphabet=st.characters(max_codepoint=127), max_size=12)
integers = st.integers(min_value=-leaves.INTEGER_MAX, max_value=leaves.INTEGER_MAX)
values = st.recursive(
    texts | integers,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(keys, inner, max_size=5),
    max_leaves=20,
)


class Word(StrEnum):
    ADVERSE = "ADVERSE"


def opening(leaf: int, slot: str) -> Opening:
    stored = VECTOR["leaves"][leaf][slot]
    return Opening(salt=bytes.fromhex(stored["salt"]), payload=stored["payload"].encode())


@given(values)
def test_payloads_have_the_canonical_form_of_the_rfc(value: JsonValue) -> None:
    """Another language would compute another commitment from the same payload."""
    found = leaves.canonical_json(value)

    assert rfc8785.dumps(cast(dict[str, object], value)) == found  # type: ignore[arg-type] # its types leave out nesting
    assert value == json.loads(found)


def test_every_character_is_written_as_the_rfc_writes_it() -> None:
    """One escape spelt otherwise breaks the commitment of that payload for ever."""
    text = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x10400), 0x10FFFF]))

    assert rfc8785.dumps(text) == leaves.canonical_json(text)


def test_words_of_ours_are_written_as_text() -> None:
    """Outcomes and purposes are enumerations; services pass them as they are."""
    assert b'{"outcome":"ADVERSE"}' == leaves.canonical_json({"outcome": Word.ADVERSE})


@pytest.mark.parametrize(
    "value",
    [
        1.5,
        None,
        True,
        {"a": None},
        {"a": [True]},
        {"a": 2**53},
        -(2**53),
        {"é": 1},
        {1: "a"},
        {"a": b"bytes"},
        {"a": ("tuple",)},
        {"a": "\ud800"},
        {"a": {"b": float("nan")}},
    ],
)
def test_a_value_without_a_canonical_form_is_refused(value: object) -> None:
    """It would be read back as something else, or not at all."""
    with pytest.raises(InvalidPayload):
        leaves.canonical_json(cast(JsonValue, value))


@pytest.mark.parametrize("index", range(5))
def test_the_worked_example_has_the_leaves_it_was_published_with(index: int) -> None:
    """Receipts name these hashes; every language must compute the same."""
    stored = VECTOR["leaves"][index]

    leaf = leaves.leaf_of(opening(index, "subject"), opening(index, "audit"))

    assert stored["entry"].encode() == leaf.entry
    assert stored["leaf_hash"] == leaf.leaf_hash.hex()
    for slot, each in ((Slot.SUBJECT, leaf.subject), (Slot.AUDIT, leaf.audit)):
        assert stored[slot]["commitment"] == each.commitment(slot).hex()
        assert each.payload == leaves.canonical_json(json.loads(each.payload))
        salt_text = stored[slot]["salt_text"].encode()
        assert sha256(salt_text).digest() == each.salt


def test_every_leaf_has_the_same_length_whatever_it_says() -> None:
    """A length would tell a refusal from an answer to anyone who mirrors the log."""
    short = leaves.new_leaf({"kind": "heartbeat", "t": 1}, {}, os.urandom)
    long = leaves.new_leaf({"kind": "query", "t": 1, "member": "m" * 900}, {}, os.urandom)

    assert leaves.ENTRY_BYTES == len(short.entry) == len(long.entry) == 116


def test_equal_payloads_make_unequal_leaves() -> None:
    """Without fresh salts anyone could guess a leaf, and see who was asked about twice."""
    made = [leaves.new_leaf({"kind": "query", "t": 1}, {}, os.urandom) for _ in range(2)]

    assert made[0].leaf_hash != made[1].leaf_hash
    assert 4 == len({each.salt for leaf in made for each in (leaf.subject, leaf.audit)})


def test_the_slots_do_not_stand_in_for_each_other() -> None:
    """An employee's name could be shown to a borrower as if it were the borrower's slot."""
    assert leaves.commitment(Slot.SUBJECT, SALT, b"{}") != leaves.commitment(
        Slot.AUDIT, SALT, b"{}"
    )


@pytest.mark.parametrize("subject", [{}, {"kind": "query"}, {"t": 1}, {"kind": "query", "t": "1"}])
def test_a_leaf_without_kind_or_time_is_refused(subject: dict[str, JsonValue]) -> None:
    """Nobody could say later what it was about."""
    with pytest.raises(InvalidPayload):
        leaves.new_leaf(subject, {}, os.urandom)


@given(st.binary(max_size=9_000))
def test_an_opening_survives_its_padding(payload: bytes) -> None:
    """A leaf whose opening cannot be read proves nothing to the one it is about."""
    padded = leaves.pad_opening(SALT, payload)

    assert Opening(salt=SALT, payload=payload) == leaves.unpad_opening(padded)
    assert len(padded) in (512, 1_024) or len(padded) % 4_096 == 0


@pytest.mark.parametrize(
    ("payload_bytes", "padded_bytes"),
    [
        (0, 512),
        (478, 512),
        (479, 1_024),
        (990, 1_024),
        (991, 4_096),
        (4_062, 4_096),
        (4_063, 8_192),
    ],
)
def test_openings_are_stored_in_few_lengths(payload_bytes: int, padded_bytes: int) -> None:
    """The length at rest would tell a refusal from an answer to a database thief."""
    assert padded_bytes == len(leaves.pad_opening(SALT, b"x" * payload_bytes))


@pytest.mark.parametrize(
    "padded",
    [
        b"",
        SALT,
        SALT + b"\0\0",
        leaves.pad_opening(SALT, b"{}")[:-1],
        leaves.pad_opening(SALT, b"{}") + b"\0",
        leaves.pad_opening(SALT, b"{}")[:-1] + b"x",
        SALT + b"\xff\xff" + bytes(478),
    ],
)
def test_an_opening_padded_otherwise_is_damage(padded: bytes) -> None:
    """Bytes hidden in the padding would leave with an export."""
    with pytest.raises(IntegrityError):
        leaves.unpad_opening(padded)


def test_an_opening_beyond_its_length_field_is_refused() -> None:
    """It would be cut short in silence, and never open its leaf."""
    with pytest.raises(InvalidPayload):
        leaves.new_leaf({"kind": "query", "t": 1, "x": "y" * 70_000}, {}, os.urandom)


def test_what_an_opening_is_sealed_to_names_its_place() -> None:
    """A sealed opening moved to another leaf, slot or log must not open there."""
    rest = VECTOR["opening_at_rest"]
    leaf = bytes.fromhex(VECTOR["leaves"][1]["leaf_hash"])

    aad = leaves.opening_aad(VECTOR["origin"], leaf, Slot(rest["slot"]), rest["key_id"])
    padded = leaves.pad_opening(opening(1, "subject").salt, opening(1, "subject").payload)

    assert rest["aad"].encode() == aad
    assert (rest["padded_bytes"], rest["padded_sha256"]) == (
        len(padded),
        sha256(padded).hexdigest(),
    )


def test_a_closed_slot_shows_its_commitment_and_nothing_else() -> None:
    """The audit slot names a lender's employee; a borrower's proof must not."""
    leaf = leaves.leaf_of(opening(1, "subject"), opening(1, "audit"))

    extra = json.loads(leaves.proof_extra(leaf, opened=frozenset({Slot.SUBJECT})))

    assert {"c"} == extra["audit"].keys()
    assert {"payload", "salt"} == extra["subject"].keys()
    assert VECTOR["leaves"][1]["subject"]["payload"] == extra["subject"]["payload"]
