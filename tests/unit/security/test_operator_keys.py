"""Operators' key files are the client's, opened by the exchange's own reader."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from exchange.crypto.operator_keys import is_sealed, open_key
from exchange.domain.base64url import unb64url
from exchange.domain.operators import read_word, word_text
from exchange.errors import InvalidField
from exchange_client.keys import Algorithm, KeyFile


@pytest.mark.parametrize("passphrase", [None, "a long one"])
def test_a_key_file_of_the_client_is_opened(
    tmp_path: Path, passphrase: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Operators make their keys by the command that members make theirs by."""
    monkeypatch.setattr("exchange_client.keys.SCRYPT_COST", 1 << 4)
    key, place = KeyFile.generate("anna"), tmp_path / "anna.key.json"
    key.save(place, passphrase=passphrase)

    opened = open_key(place, passphrase)

    word = opened.say("cx", "prp_1", bytes(32))
    text = word_text("cx", "anna/k1", "prp_1", bytes(32))
    opened.private.public_key().verify(word.signature, text)
    assert key.public_key == opened.private.public_key().public_bytes_raw()
    assert (passphrase is not None) is is_sealed(place)
    assert word == read_word(word.line())
    assert unb64url(word.line().split(" ")[4]) == word.signature


def test_a_key_file_that_is_none_is_told(tmp_path: Path) -> None:
    """One line that says what to mend, and never a traceback over a private key."""
    place = tmp_path / "key"
    sealed = tmp_path / "sealed"
    KeyFile.generate("anna").save(sealed, passphrase="right")
    p256 = tmp_path / "p256"
    KeyFile.generate("anna", algorithm=Algorithm.ECDSA_P256).save(p256)
    contents = (
        b"",
        b"\xff",
        b"[" * 60_000,
        b"[1]",
        b'{"format": "cx-key/1"}',
        json.dumps(1).encode(),
    )
    for content in contents:
        place.write_bytes(content)
        place.chmod(0o600)
        with pytest.raises(InvalidField):
            open_key(place, None)
    place.chmod(0o644)

    for path, passphrase, why in (
        (place, None, "chmod 600"),
        (tmp_path / "none", None, "No such file"),
        (sealed, "wrong", "wrong passphrase"),
        (sealed, None, "wrong passphrase"),
        (p256, None, "Ed25519"),
    ):
        with pytest.raises(InvalidField) as told:
            open_key(path, passphrase)
        assert why in str([fault.detail for fault in told.value.faults])
