"""Our log under verifiers that others wrote: what they accept, and that they refuse what is wrong.

Each runs where it is installed; one that is not is listed at the end of the run.
"""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from exchange.domain.merkle import consistency_ranges, inclusion_ranges, leaf_hash, root
from tests.interop.foreign import (
    DRIVERS,
    foreign_program,
    go_driver,
    node_packages,
    python_module,
    run,
)
from tests.support.signed_log import LOG, ORIGIN, WITNESSES, SignedLog, entries

SIZES = [1, 5, 256, 257, 600]


def log_of(size: int) -> SignedLog:
    """Make a log that two witnesses have cosigned."""
    return SignedLog(entries=entries(size), cosigners=WITNESSES[:2])


def path_of(log: SignedLog, index: int) -> list[bytes]:
    """Prove an entry, hash by hash."""
    hashes = [leaf_hash(entry) for entry in log.entries]
    return [root(hashes[a:b]) for a, b in inclusion_ranges(index, len(hashes))]


def flip(place: Path, at: int) -> None:
    """Flip one bit of a file."""
    content = bytearray(place.read_bytes())
    content[at] ^= 1
    place.write_bytes(bytes(content))


@pytest.mark.parametrize("size", SIZES)
def test_go_proves_every_entry_of_our_tiles(size: int, tmp_path: Path) -> None:
    """The reference implementation of notes and tiles reads our log and believes it."""
    program = go_driver(tmp_path)
    log = log_of(size)
    folder = log.write(tmp_path / "log")

    left, told = run(str(program), str(folder), *_go_words(log, old=(size + 1) // 2))

    assert (0, f"proven {size} of {size}") == (left, told.splitlines()[-1])
    signed = [line.removeprefix("signed ") for line in told.splitlines() if "signed" in line]
    assert [ORIGIN, *(one.name for one in WITNESSES[:2])] == signed


@pytest.mark.parametrize(
    ("path", "at"),
    [("checkpoint", len(ORIGIN) + 2), ("tile/0/000", 4_000), ("tile/entries/001.p/44", 500)],
)
def test_go_refuses_one_flipped_bit(path: str, at: int, tmp_path: Path) -> None:
    """It would not have believed another log."""
    program = go_driver(tmp_path)
    log = log_of(300)
    folder = log.write(tmp_path / "log")
    flip(folder / path, at)

    left, _ = run(str(program), str(folder), *_go_words(log, old=200))

    assert 0 != left


def test_node_proves_an_entry_and_refuses_another() -> None:
    """Software-supply-chain tools in JavaScript read our checkpoints as they read their own."""
    packages = node_packages()
    log = log_of(600)

    taken = run("node", str(DRIVERS / "verify.js"), str(packages), _node_words(log, 300))
    refused = run(
        "node", str(DRIVERS / "verify.js"), str(packages), _node_words(log, 300, shown=301)
    )

    assert (0, "proven 300 of 600") == (taken[0], taken[1].strip())
    assert 1 == refused[0]


def test_metamorphic_log_proves_inclusion_and_consistency() -> None:
    """A verifier in Rust agrees with both kinds of our proofs."""
    foreign = python_module("metamorphic_log")
    log, old, index = log_of(600), 257, 300
    hashes = [leaf_hash(entry) for entry in log.entries]
    path = path_of(log, index)
    prefix = [root(hashes[a:b]) for a, b in consistency_ranges(old, 600)]

    foreign.verify_inclusion(index, 600, hashes[index], path, root(hashes))
    foreign.verify_consistency(old, 600, prefix, root(hashes[:old]), root(hashes))

    with pytest.raises(foreign.VerifyError):
        foreign.verify_inclusion(index, 600, hashes[index + 1], path, root(hashes))


def test_metamorphic_log_opens_our_checkpoint() -> None:
    """It takes the log's own line, and does not stumble over witnesses it does not know."""
    foreign = python_module("metamorphic_log")
    note = log_of(600).checkpoint()

    foreign.verify_signed_note(note.decode(), [LOG.key.vkey()])

    with pytest.raises(foreign.VerifyError):
        foreign.verify_signed_note(note.decode().replace("600", "601", 1), [LOG.key.vkey()])


@pytest.mark.parametrize("size", SIZES)
def test_tlog_scales_reads_our_folder_and_proves_each_entry(size: int, tmp_path: Path) -> None:
    """Another reader of tiles finds the same entries under the same root."""
    backend = python_module("tlog_scales.backend")
    reader = python_module("tlog_scales.reader")
    tiles = python_module("tlog_scales.tiles")
    log = log_of(size)
    folder = log.write(tmp_path / "log")

    opened = reader.TilesReader(backend.LocalBackend(folder))
    checkpoint = opened.get_checkpoint()

    assert (size, ORIGIN) == (checkpoint.size, checkpoint.origin)
    for index in {0, size // 2, size - 1}:
        entry = opened.get_entry(index)
        assert log.entries[index] == entry
        proof = opened.get_inclusion_proof(index, size)
        proof.check(tiles.leaf_hash(entry), checkpoint.root_hash)


def test_aics_tlog_verifies_our_folder(tmp_path: Path) -> None:
    """A second Python verifier, with a quorum, finds our entries and that the log only grew."""
    program, log = foreign_program("aics-tlog"), log_of(300)
    folder = log.write(tmp_path / "log")
    keys = ["--tiles", str(folder), "--log-key", LOG.key.vkey(), "--quorum", "2"]
    keys += [word for one in WITNESSES[:2] for word in ("--witness-key", one.key.vkey())]
    old, entry = tmp_path / "old", tmp_path / "entry"
    old.write_bytes(SignedLog(entries=log.entries[:70], cosigners=WITNESSES[:2]).checkpoint())
    entry.write_bytes(log.entries[257])
    asked = (
        ("verify-checkpoint", *keys),
        ("verify-inclusion", *keys, "--index", "257", "--leaf", str(entry)),
        ("verify-consistency", *keys, "--old-checkpoint", str(old)),
    )

    assert [0] * 3 == [run(program, *words)[0] for words in asked]
    assert 0 != run(program, *asked[0][:-4])[0]  # One witness of two is not a quorum.
    entry.write_bytes(log.entries[258])
    assert 0 != run(program, *asked[1])[0]
    flip(folder / "tile/0/000", 4_000)
    assert 0 != run(program, *asked[2])[0]


def _go_words(log: SignedLog, *, old: int) -> list[str]:
    hashes = [leaf_hash(entry) for entry in log.entries[:old]]
    words = [LOG.key.vkey(), str(old), b64encode(root(hashes)).decode()]
    for one in log.cosigners:
        words += [one.name, one.key.key_id.hex(), one.key.public_key.hex()]
    return words


def _node_words(log: SignedLog, index: int, *, shown: int | None = None) -> str:
    public = LOG.private.public_key()
    spki = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    entry = log.entries[index if shown is None else shown]
    return json.dumps(
        {
            "envelope": log.checkpoint().decode(),
            "origin": ORIGIN,
            "keyId": b64encode(LOG.key.key_id).decode(),
            "spki": b64encode(spki).decode(),
            "index": index,
            "hashes": [b64encode(one).decode() for one in path_of(log, index)],
            "entry": b64encode(entry).decode(),
        }
    )
