"""Checkpoints and proofs as a member verifies them, from the pinned key alone."""

from __future__ import annotations

import json
import os
from base64 import b64decode, b64encode
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from exchange.domain import leaves
from exchange_client.errors import InclusionInvalid, PinError
from exchange_client.notes import open_checkpoint, open_statement, parse_vkey
from exchange_client.proofs import verify_proof

VECTOR = json.loads((Path(__file__).parents[1] / "vectors/access_log_v1.json").read_text())
VKEYS = {label: key["vkey"] for label, key in VECTOR["keys"].items()}
NOTE: bytes = VECTOR["checkpoint"]["note"].encode()
PROOF: bytes = VECTOR["proof"]["text"].encode()
LEAF = bytes.fromhex(VECTOR["leaves"][1]["leaf_hash"])
LOG = parse_vkey(VKEYS["log"])
WITNESSES = [parse_vkey(VKEYS["w1"]), parse_vkey(VKEYS["w2"])]
TEXT, _, LINES = VECTOR["checkpoint"]["note"].partition("\n\n")
FIRST = LINES.split("\n")[0]


def signed(text: bytes) -> bytes:
    """A note over any text, signed by the log's own key."""
    seed = bytes.fromhex(VECTOR["keys"]["log"]["seed"])
    signature = Ed25519PrivateKey.from_private_bytes(seed).sign(text)
    line = b64encode(LOG.key_id + signature)
    return text + f"\n— {LOG.name} ".encode() + line + b"\n"


def test_a_checkpoint_of_the_pinned_log_opens() -> None:
    """The member could check nothing without it."""
    checkpoint = open_checkpoint(NOTE, LOG, WITNESSES)

    assert (VECTOR["origin"], 5) == (checkpoint.origin, checkpoint.head.size)
    assert VECTOR["roots"]["5"] == checkpoint.head.root.hex()
    assert {key.name for key in (LOG, *WITNESSES)} == checkpoint.signed_by
    assert {
        VECTOR["keys"][label]["name"]: time for label, time in VECTOR["cosigned_at"].items()
    } == checkpoint.cosigned_at


def test_a_checkpoint_that_only_witnesses_signed_is_refused() -> None:
    """A witness states what it saw; only the log speaks for itself."""
    without = "\n".join(line for line in LINES.split("\n") if line != FIRST)

    with pytest.raises(InclusionInvalid):
        open_checkpoint(f"{TEXT}\n\n{without}".encode(), LOG, WITNESSES)


def test_a_checkpoint_of_another_log_is_refused() -> None:
    """A log of another year, or a fork under another name, would pass for the pinned one."""
    other = NOTE.replace(b"access/2026\n5", b"access/2025\n5", 1)

    with pytest.raises(InclusionInvalid):
        open_checkpoint(other, LOG)
    with pytest.raises(InclusionInvalid):
        open_checkpoint(signed(f"{LOG.name}x\n5\n{'A' * 43}=\n".encode()), LOG)


@pytest.mark.parametrize(
    "text",
    [
        f"{LOG.name}\n05\n{'A' * 43}=\n",
        f"{LOG.name}\n5\n{'A' * 43}\n",
        f"{LOG.name}\n5\n{'A' * 42}B=\n",
        f"{LOG.name}\n5\n{'A' * 40}==\n",
        f"{LOG.name}\n5\n{'A' * 43}=\nextension\n",
        f"{LOG.name}\n9223372036854775808\n{'A' * 43}=\n",
        f"{LOG.name}\n5\n",
        "\n",
    ],
)
def test_a_signed_text_that_is_no_checkpoint_is_refused(text: str) -> None:
    """Even the log's own key must not make two spellings of one tree."""
    with pytest.raises(InclusionInvalid):
        open_checkpoint(signed(text.encode()), LOG)


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"\n\n",
        f"{TEXT}\n\n".encode(),
        NOTE[:-1],
        NOTE + b"\n",
        NOTE.replace(b"\n", b"\r\n"),
        NOTE.replace("—".encode(), b"-"),
        NOTE.replace(b"=\n", b"\n"),
        NOTE.replace(b"exchange", b"exch\xffnge"),
        f"{TEXT}\n\n{FIRST}\n— a\u00a0b L78aozp8\n".encode(),
        f"{TEXT}\n\n{FIRST}\n— {LOG.name} L78aow==\n".encode(),
        f"{TEXT}\n\n{(FIRST + chr(10)) * 101}".encode(),
        f"{TEXT}\n\n{FIRST}\n".encode() + b"x" * 70_000,
    ],
)
def test_what_is_no_signed_note_is_refused(note: bytes) -> None:
    """The SDK must refuse whatever other C2SP tools refuse."""
    with pytest.raises(InclusionInvalid):
        open_checkpoint(note, LOG, WITNESSES)


def test_a_statement_with_empty_lines_is_cut_at_the_last_one() -> None:
    """Cut at the first, half of a signed statement would pass for signatures."""
    assert "a\n\nb\n" == open_statement(signed(b"a\n\nb\n"), [LOG])


def test_a_statement_with_a_control_character_is_refused() -> None:
    """What a terminal hides, whoever reads the statement would not see."""
    with pytest.raises(InclusionInvalid):
        open_statement(signed(b"a\tb\n"), [LOG])


@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_bad_signature_of_a_known_key_refuses_the_checkpoint(at: int) -> None:
    """A forged cosignature would count towards a quorum."""
    lines = LINES.split("\n")
    dash, name, encoded = lines[at].split(" ")
    raw = bytearray(b64decode(encoded))
    raw[-1] ^= 1
    lines[at] = f"{dash} {name} {b64encode(raw).decode()}"

    with pytest.raises(InclusionInvalid):
        open_checkpoint(f"{TEXT}\n\n{chr(10).join(lines)}".encode(), LOG, WITNESSES)


@pytest.mark.parametrize(
    "vkey",
    ["", "name", VKEYS["log"][:-1], VKEYS["log"].replace("2fb", "2Fb"), VKEYS["log"] + "\n"],
)
def test_a_pinned_key_that_is_not_whole_is_refused(vkey: str) -> None:
    """A mistyped pin would verify nothing, or another log."""
    with pytest.raises(PinError):
        parse_vkey(vkey)


def test_the_worked_examples_proof_verifies_offline() -> None:
    """The member shows this file, years later, to whoever doubts that it asked."""
    proof = verify_proof(PROOF, VKEYS["log"], leaf=LEAF)

    assert (1, 5, VECTOR["origin"]) == (proof.index, proof.head.size, proof.origin)
    assert NOTE == proof.checkpoint
    assert {"subject": VECTOR["leaves"][1]["subject"]["payload"].encode()} == proof.openings


def with_extra(change: dict[str, object]) -> bytes:
    """The example's proof with members of its `extra` replaced, or removed where None."""
    lines = PROOF.split(b"\n")
    extra = json.loads(b64decode(lines[1][6:])) | change
    kept = {name: value for name, value in extra.items() if value is not None}
    lines[1] = b"extra " + b64encode(json.dumps(kept).encode())
    return b"\n".join(lines)


OPENED = json.loads(b64decode(PROOF.split(b"\n")[1][6:]))["subject"]


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2},
        {"v": True},
        {"v": None},
        {"more": 1},
        {"audit": None},
        {"audit": OPENED},
        {"audit": {"c": b64encode(bytes(32)).decode()}},
        {"audit": {"c": b64encode(bytes(31)).decode()}},
        {"subject": OPENED | {"payload": OPENED["payload"].replace("ADVERSE", "NO_DATA")}},
        {"subject": OPENED | {"payload": "\ud800"}},
        {"subject": OPENED | {"c": "AAAA"}},
        {"subject": OPENED | {"salt": b64encode(bytes(32)).decode()}},
        {"subject": OPENED | {"salt": OPENED["salt"].rstrip("=")}},
        {"subject": {"payload": OPENED["payload"]}},
        {"subject": "text"},
    ],
)
def test_an_opening_that_is_not_the_leafs_is_refused(change: dict[str, object]) -> None:
    """A proof could show another purpose or outcome than the one that was logged."""
    with pytest.raises(InclusionInvalid):
        verify_proof(with_extra(change), VKEYS["log"], leaf=LEAF)


def test_salt_and_payload_are_cut_where_the_leaf_cut_them() -> None:
    """A byte moved from the payload into the salt leaves the hash as it was."""
    salt, payload = b64decode(OPENED["salt"]), OPENED["payload"]
    moved = {"salt": b64encode(salt + payload[:1].encode()).decode(), "payload": payload[1:]}

    with pytest.raises(InclusionInvalid):
        verify_proof(with_extra({"subject": moved}), VKEYS["log"], leaf=LEAF)


@pytest.mark.parametrize(
    "proof",
    [
        b"",
        NOTE,
        PROOF.replace(b"@v1", b"@v2"),
        PROOF.replace(b"index 1", b"index 2"),
        PROOF.replace(b"index 1", b"index 01"),
        PROOF.replace(b"index 1\n", b""),
        PROOF.replace(b"index 1\n", b"index 1\n" + b"A" * 43 + b"=\n"),
        PROOF.replace(b"extra ", b"extra  "),
        PROOF.replace(b"extra ", b"extra !"),
        b"\n".join([PROOF.split(b"\n")[0], b"extra Ww==", *PROOF.split(b"\n")[2:]]),  # no JSON: [
        PROOF.split(b"\n")[0] + b"\n\n" + NOTE,
        PROOF.replace(b"\n", b"\r\n"),
        PROOF + b"x" * 300_000,
        b"\xff" + PROOF,
    ],
)
def test_what_is_no_proof_of_this_leaf_is_refused(proof: bytes) -> None:
    """A proof must show what it claims or count for nothing."""
    with pytest.raises(InclusionInvalid):
        verify_proof(proof, VKEYS["log"], leaf=LEAF)


def test_a_proof_of_another_leaf_does_not_prove_the_receipts() -> None:
    """A member that never asked could show somebody's proof for its own."""
    with pytest.raises(InclusionInvalid):
        verify_proof(PROOF, VKEYS["log"], leaf=bytes.fromhex(VECTOR["leaves"][2]["leaf_hash"]))


def test_a_proof_without_openings_proves_the_leaf_alone() -> None:
    """Somebody who may see no opening can still check that the leaf is there."""
    lines = PROOF.split(b"\n")

    proof = verify_proof(b"\n".join([lines[0], *lines[2:]]), VKEYS["log"], leaf=LEAF)

    assert {} == proof.openings


def test_leaves_written_today_open_in_the_sdk() -> None:
    """The server's extra and the SDK's reading of it are two programs."""
    leaf = leaves.new_leaf({"kind": "query", "t": 1, "x": 'é\n"'}, {"k": [1, "2"]}, os.urandom)
    extra = leaves.proof_extra(leaf, opened=frozenset(leaves.Slot))
    text = f"{LOG.name}\n1\n{b64encode(leaf.leaf_hash).decode()}\n".encode()
    head = b"c2sp.org/tlog-proof@v1\nextra " + b64encode(extra) + b"\nindex 0\n\n"

    proof = verify_proof(head + signed(text), VKEYS["log"], leaf=leaf.leaf_hash)

    assert {"subject": leaf.subject.payload, "audit": leaf.audit.payload} == proof.openings
