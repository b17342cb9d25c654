"""The reference witness, over its two routes: it cosigns what continues a log, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask.testing import FlaskClient

from exchange.api.witness import witness_app
from exchange.domain.log.witnessing import AddCheckpoint, origin_id, parse_lines
from exchange.domain.merkle import consistency_ranges, leaf_hash, root
from exchange.domain.notes import cosignature_message
from exchange.services.witnesses.cosign_checkpoint import CosignPorts
from exchange.store.log.checkpoint_file import WitnessFiles
from tests.support.signed_log import COSIGNED_AT, LOG, ORIGIN, WITNESSES, SignedLog, Signer, entries

TRUE = SignedLog(entries=entries(9))
LIE = SignedLog(entries=[*entries(4), *entries(5, label="lie")])
STRANGER = SignedLog(entries=entries(9), signer=Signer(name=ORIGIN, label="stranger"))
ELSEWHERE = SignedLog(entries=entries(9), signer=Signer(name="other.example/access/2026"))


@pytest.fixture
def witness(tmp_path: Path) -> FlaskClient:
    """A witness that knows one log, and has cosigned its first five leaves."""
    ports = CosignPorts(
        now=lambda: COSIGNED_AT,
        logs={ORIGIN: (LOG.key,)},
        key=WITNESSES[0].key,
        sign=WITNESSES[0].private.sign,
        hold=WitnessFiles(tmp_path).hold,
    )
    client = witness_app(ports).test_client()
    assert 200 == client.post("/add-checkpoint", data=asking(TRUE, 0, 5)).status_code
    return client


def asking(log: SignedLog, old: int, size: int) -> bytes:
    """Ask for a cosignature, with the proof that this log has from the older size, if any."""
    hashes = [leaf_hash(entry) for entry in log.entries]
    ranges = consistency_ranges(old, size) if old <= size else ()
    path = tuple(root(hashes[first:end]) for first, end in ranges)
    return AddCheckpoint(old_size=old, path=path, checkpoint=log.checkpoint(size)).print()


def unsigned(body: bytes) -> bytes:
    """Put the log's signature of another checkpoint in the place of this one's."""
    text, _, _ = body.rpartition(b"\n\n")
    return text + b"\n\n" + LOG.line("another\n").print().encode()


REFUSED = {
    "no request": (400, b"", b""),
    "no old size": (400, asking(TRUE, 5, 9).replace(b"old 5", b"old 05"), b""),
    "smaller than what it was asked from": (400, asking(TRUE, 5, 3), b""),
    "a hash cut short": (400, b"old 5\nAAAA\n\n" + TRUE.checkpoint(9), b""),
    "64 hashes": (400, b"old 5\n" + (b"A" * 43 + b"=\n") * 64 + b"\n" + TRUE.checkpoint(9), b""),
    "a log it does not know": (404, asking(ELSEWHERE, 5, 9), b""),
    "a key it does not know": (403, asking(STRANGER, 5, 9), b""),
    "a signature that does not hold": (403, unsigned(asking(TRUE, 5, 9)), b""),
    "from nothing once more": (409, asking(TRUE, 0, 9), b"5\n"),
    "from a size it never cosigned": (409, asking(TRUE, 7, 9), b"5\n"),
    "the same size, another tree": (409, asking(LIE, 5, 5), b"5\n"),
    "a fork": (422, asking(LIE, 5, 9), b""),
    "no proof": (422, b"old 5\n\n" + TRUE.checkpoint(9), b""),
}


@pytest.mark.parametrize(("status", "body", "told"), REFUSED.values(), ids=REFUSED)
def test_a_witness_cosigns_nothing_but_what_continues_the_log(
    witness: FlaskClient, status: int, body: bytes, told: bytes
) -> None:
    """A witness that signs whatever it is shown would vouch for every fork."""
    before = witness.get(f"/{origin_id(ORIGIN)}/checkpoint").data

    answer = witness.post("/add-checkpoint", data=body)

    assert status == answer.status_code
    if status == 409:
        assert (told, "text/x.tlog.size") == (answer.data, answer.content_type)
    assert before == witness.get(f"/{origin_id(ORIGIN)}/checkpoint").data


@pytest.mark.parametrize("size", [5, 6, 8, 9])
def test_a_witness_cosigns_what_continues_the_log_and_shows_it(
    witness: FlaskClient, size: int
) -> None:
    """Without its line no receipt becomes final, and without the note nobody can compare."""
    answer = witness.post("/add-checkpoint", data=asking(TRUE, 5, size))

    assert 200 == answer.status_code
    (line,) = parse_lines(answer.data)
    text = TRUE.checkpoint(size).partition(b"\n\n")[0].decode() + "\n"
    WITNESSES[0].private.public_key().verify(
        line.signature[8:], cosignature_message(text, COSIGNED_AT)
    )
    shown = witness.get(f"/{origin_id(ORIGIN)}/checkpoint").data
    assert TRUE.checkpoint(size) + answer.data == shown
    assert 404 == witness.get(f"/{origin_id('other')}/checkpoint").status_code
