"""Notes, checkpoints, keys and proof files, held to the letter of C2SP."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from exchange.domain import notes
from exchange.domain.merkle import TreeHead
from exchange.domain.notes import (
    Checkpoint,
    KeyType,
    Note,
    NoteKey,
    SignatureLine,
    TlogProof,
)
from exchange.errors import InvalidNote, InvalidProof

VECTOR = json.loads((Path(__file__).parents[2] / "vectors/access_log_v1.json").read_text())
KEYS = {label: notes.parse_vkey(key["vkey"]) for label, key in VECTOR["keys"].items()}
NOTE: bytes = VECTOR["checkpoint"]["note"].encode()
PROOF: bytes = VECTOR["proof"]["text"].encode()
ORIGIN: str = VECTOR["origin"]


def secret(label: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(VECTOR["keys"][label]["seed"]))


def verifies(key: NoteKey, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key.public_key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def line(label: str, signature: bytes) -> SignatureLine:
    return SignatureLine(name=KEYS[label].name, key_id=KEYS[label].key_id, signature=signature)


def test_the_worked_example_is_written_byte_for_byte() -> None:
    """Every witness and mirror reads this note; one byte off and none cosigns."""
    head = TreeHead(size=5, root=bytes.fromhex(VECTOR["roots"]["5"]))
    text = Checkpoint(origin=ORIGIN, head=head).text()
    lines = [line("log", secret("log").sign(text.encode()))]
    for label, time in VECTOR["cosigned_at"].items():
        signature = secret(label).sign(notes.cosignature_message(text, time))
        lines.append(line(label, time.to_bytes(8, "big") + signature))

    written = Note(text=text, signatures=tuple(lines)).print()

    assert VECTOR["checkpoint"]["text"] == text
    assert NOTE == written


@pytest.mark.parametrize("label", ["log", "w1", "w2"])
def test_the_worked_example_has_the_keys_it_was_published_with(label: str) -> None:
    """A key id computed otherwise finds no signature line."""
    key = VECTOR["keys"][label]

    found = NoteKey(name=key["name"], kind=key["type"], public_key=bytes.fromhex(key["public_key"]))

    assert (key["vkey"], key["key_id"]) == (found.vkey(), found.key_id.hex())
    assert found == KEYS[label]
    assert secret(label).public_key().public_bytes_raw() == found.public_key


def test_the_same_key_has_another_id_as_log_and_as_witness() -> None:
    """A witness's key could otherwise be taken for a log's."""
    as_log = NoteKey(name=KEYS["w1"].name, kind=KeyType.ED25519, public_key=KEYS["w1"].public_key)

    assert ("c487719c", "76dd5c04") == (as_log.key_id.hex(), KEYS["w1"].key_id.hex())


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "name",
        "name+2fbf1aa3",
        VECTOR["keys"]["log"]["vkey"].replace("2fbf1aa3", "2fbf1aa4"),
        VECTOR["keys"]["log"]["vkey"].replace("2fbf1aa3", "2FBF1AA3"),
        VECTOR["keys"]["log"]["vkey"].replace("/2026", "/2027"),
        VECTOR["keys"]["log"]["vkey"][:-1],
        VECTOR["keys"]["log"]["vkey"] + "\n",
        "na me+00000000+AQ==",
    ],
)
def test_a_vkey_that_is_not_whole_is_refused(vkey: str) -> None:
    """A mistyped key would verify nothing, or another log."""
    with pytest.raises(InvalidNote):
        notes.parse_vkey(vkey)


def test_a_note_names_the_known_keys_that_signed_it() -> None:
    """A quorum is counted from this set."""
    opened, signed = notes.open_note(NOTE, KEYS.values(), verifies)

    assert frozenset(KEYS.values()) == signed
    assert notes.parse_checkpoint(opened.text).head.size == 5
    assert NOTE == opened.print()


def test_lines_of_unknown_keys_count_for_nothing() -> None:
    """Anyone may add a line; it must neither help nor harm."""
    stranger = SignatureLine(name=ORIGIN, key_id=b"\0\0\0\0", signature=b"x" * 64).print()

    _, signed = notes.open_note(NOTE + stranger.encode(), [KEYS["log"]], verifies)

    assert frozenset({KEYS["log"]}) == signed


def flipped(label: str) -> bytes:
    """The example with one bit of this key's signature changed."""
    opened = notes.parse_note(NOTE)
    changed = [
        SignatureLine(
            name=each.name,
            key_id=each.key_id,
            signature=each.signature[:-1] + bytes([each.signature[-1] ^ 1]),
        )
        if each.name == KEYS[label].name
        else each
        for each in opened.signatures
    ]
    return Note(text=opened.text, signatures=tuple(changed)).print()


@pytest.mark.parametrize("label", ["log", "w1", "w2"])
def test_a_bad_signature_of_a_known_key_refuses_the_whole_note(label: str) -> None:
    """A tampered note would pass on the strength of its other lines."""
    with pytest.raises(InvalidNote):
        notes.open_note(flipped(label), KEYS.values(), verifies)


@pytest.mark.parametrize(
    "signature", [b"x" * 64, b"x" * 73, b"\xff" * 72], ids=["no time", "long", "far future"]
)
def test_a_cosignature_of_another_form_is_refused(signature: bytes) -> None:
    """A time beyond 2^63 would make a witness look fresh for ever."""
    with pytest.raises(InvalidNote):
        notes.signed_message(KEYS["w1"], "text\n", signature)


TEXT, _, LINES = VECTOR["checkpoint"]["note"].partition("\n\n")
FIRST = LINES.split("\n")[0]


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"\n\n",
        TEXT.encode(),
        f"{TEXT}\n\n".encode(),
        f"{TEXT}\n{LINES}".encode(),
        NOTE[:-1],
        NOTE + b"\n",
        NOTE.replace(b"\n", b"\r\n"),
        NOTE.replace("—".encode(), b"-"),
        NOTE.replace(b"=\n", b"\n"),
        NOTE.replace(b"exchange", b"exch\xffnge"),
        NOTE.replace(b"exchange", b"exch\tnge"),
        NOTE.replace(b"exchange", b"exch\tnge", 1),
        f"{'a' * 70_000}\n\n{FIRST}\n".encode(),
        f"{TEXT}\n\n{FIRST}  \n".encode(),
        f"{TEXT}\n\n— {ORIGIN} L78aow==\n".encode(),
        f"{TEXT}\n\n— a+b L78aozp8\n".encode(),
        f"{TEXT}\n\n—  L78aozp8\n".encode(),
        f"{TEXT}\n\n— a\u00a0b L78aozp8\n".encode(),
        f"{TEXT}\n\n{FIRST[:-2]}R=\n".encode(),
        NOTE + FIRST.encode() * 1_000 + b"\n",
        f"{TEXT}\n\n{(FIRST + chr(10)) * 101}".encode(),
    ],
)
def test_what_is_no_signed_note_is_refused(note: bytes) -> None:
    """Two readers that disagree about a note's text disagree about what was signed."""
    with pytest.raises(InvalidNote):
        notes.parse_note(note)


def test_a_text_with_empty_lines_is_cut_at_the_last_one() -> None:
    """Cut at the first, half of the text would pass for signatures."""
    written = Note(text="a\n\nb\n", signatures=notes.parse_note(NOTE).signatures).print()

    assert "a\n\nb\n" == notes.parse_note(written).text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "o\n5\n",
        f"{ORIGIN}\n05\n{'A' * 43}=\n",
        f"{ORIGIN}\n-5\n{'A' * 43}=\n",
        f"{ORIGIN}\n\u0665\n{'A' * 43}=\n",
        f"{ORIGIN}\n9223372036854775808\n{'A' * 43}=\n",
        f"{ORIGIN}\n5\n{'A' * 42}==\n",
        f"{ORIGIN}\n5\n{'A' * 42}B=\n",
        f"{ORIGIN}\n5\n{'A' * 43}=",
        f"{ORIGIN}\n5\n{'A' * 43}=\nextension\n",
        f"\n5\n{'A' * 43}=\n",
        f"a b\n5\n{'A' * 43}=\n",
        f"{'a' * 256}\n5\n{'A' * 43}=\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    """One tree must have one spelling, or a fork hides in two of them."""
    with pytest.raises((InvalidNote, InvalidProof)):
        notes.parse_checkpoint(text)


def test_the_empty_log_has_a_checkpoint() -> None:
    """A new log publishes size 0 before its first leaf."""
    text = f"{ORIGIN}\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"

    assert text == notes.parse_checkpoint(text).text()
    with pytest.raises(InvalidProof):
        notes.parse_checkpoint(text.replace("47DE", "57DE"))


def test_the_worked_examples_proof_is_read_and_written_byte_for_byte() -> None:
    """The proof is what a member keeps for years; other tools must read it."""
    proof = notes.parse_proof(PROOF)

    assert PROOF == proof.print()
    assert (1, VECTOR["inclusion"][0]["path"], NOTE) == (
        proof.index,
        [node.hex() for node in proof.path],
        proof.checkpoint,
    )


@given(
    index=st.integers(min_value=0, max_value=2**63 - 1),
    path=st.lists(st.binary(min_size=32, max_size=32), max_size=63).map(tuple),
    extra=st.none() | st.binary(min_size=1),
)
def test_every_proof_survives_being_written(
    index: int, path: tuple[bytes, ...], extra: bytes | None
) -> None:
    """A proof that cannot be read back is lost evidence."""
    proof = TlogProof(index=index, path=path, checkpoint=NOTE, extra=extra)

    assert proof == notes.parse_proof(proof.print())


@pytest.mark.parametrize(
    "proof",
    [
        b"",
        PROOF.replace(b"@v1", b"@v2"),
        PROOF.replace(b"index 1", b"index 01"),
        PROOF.replace(b"index 1", b"index -1"),
        PROOF.replace(b"index 1\n", b""),
        PROOF.replace(b"extra ", b"extra  "),
        PROOF.replace(b"\n\n", b"\n"),
        PROOF.replace(b"\n", b"\r\n"),
        PROOF.replace(b"\nindex", b"\nindex 1\nindex"),
        b"\xff" + PROOF,
        PROOF.replace(b"index 1\n", b"index 1\nAAAA\n"),
        PROOF.replace(b"index 1\n", b"index 1\n" + (b"A" * 43 + b"=\n") * 64),
    ],
)
def test_what_is_no_proof_is_refused(proof: bytes) -> None:
    """A loose reader would accept what other verifiers refuse."""
    with pytest.raises((InvalidProof, InvalidNote)):
        notes.parse_proof(proof)
