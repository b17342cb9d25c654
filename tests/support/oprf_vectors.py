"""The published vectors of the OPRF, read once, and the references they are held against."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import pytest

from tests.support.oprf_reference import Voprf
from tests.support.ristretto_reference import PlainPython, libsodium

_FOLDER = Path(__file__).parents[1] / "vectors"


@dataclass(frozen=True, slots=True, kw_only=True)
class VoprfVector:
    """One vector of RFC 9497 A.1.2: a batch of one or two."""

    section: str
    inputs: tuple[bytes, ...]
    blinds: tuple[bytes, ...]
    blinded: tuple[bytes, ...]
    evaluated: tuple[bytes, ...]
    proof: bytes
    proof_scalar: bytes
    outputs: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VoprfVectors:
    """RFC 9497 A.1.2: one key, three vectors."""

    seed: bytes
    key_info: bytes
    private_key: bytes
    public_key: bytes
    vectors: tuple[VoprfVector, ...]


class TokenCase(TypedDict):
    """One line of token_v1.json; `token` is hexadecimal."""

    id_type: str
    country: str
    number: str
    input: str
    token: str


class Epoch(TypedDict):
    """The tokens of token_v1.json under one epoch's key."""

    epoch: str
    public_key: str
    tokens: list[TokenCase]


def rfc9497() -> VoprfVectors:
    """Read RFC 9497 A.1.2."""
    content = json.loads(_text("rfc9497_voprf_ristretto255.json"))
    return VoprfVectors(
        seed=bytes.fromhex(content["seed"]),
        key_info=bytes.fromhex(content["key_info"]),
        private_key=bytes.fromhex(content["private_key"]),
        public_key=bytes.fromhex(content["public_key"]),
        vectors=tuple(
            VoprfVector(
                section=row["section"],
                inputs=_all(row["input"]),
                blinds=_all(row["blind"]),
                blinded=_all(row["blinded_element"]),
                evaluated=_all(row["evaluation_element"]),
                proof=bytes.fromhex(row["proof"]),
                proof_scalar=bytes.fromhex(row["proof_random_scalar"]),
                outputs=_all(row["output"]),
            )
            for row in content["vectors"]
        ),
    )


def ristretto_multiples() -> tuple[bytes, ...]:
    """Read RFC 9496 A.1: the multiples 0 to 15 of the generator."""
    return _all(json.loads(_text("rfc9496_ristretto255.json"))["small_multiples"]["encodings"])


def ristretto_bad_encodings() -> tuple[bytes, ...]:
    """Read RFC 9496 A.2."""
    return _all(json.loads(_text("rfc9496_ristretto255.json"))["bad_encodings"]["encodings"])


def ristretto_maps() -> list[tuple[bytes, bytes]]:
    """Read RFC 9496 A.3: uniform bytes and the element they map to."""
    return [
        (bytes.fromhex(row["uniform_bytes"]), bytes.fromhex(row["element"]))
        for row in json.loads(_text("rfc9496_ristretto255.json"))["map"]["vectors"]
    ]


def expansions() -> list[tuple[bytes, bytes, bytes]]:
    """Read RFC 9380 K.3: separation tag, message and uniform bytes."""
    content = json.loads(_text("rfc9380_expand_message_xmd_sha512.json"))
    dst = content["dst"].encode()
    return [
        (dst, row["message"].encode(), bytes.fromhex(row["uniform_bytes"]))
        for row in content["vectors"]
    ]


def tokens() -> tuple[bytes, list[Epoch]]:
    """Read token_v1.json: the seed, and the tokens under each epoch."""
    content = json.loads(_text("token_v1.json"))
    return bytes.fromhex(content["seed"]), content["epochs"]


def references() -> list[object]:
    """The protocol over each group, as parameters of a test.

    Plain Python is always among them. Where libsodium is missing, its parameter is a skip that
    pytest's closing summary spells out: no vector goes unchecked, one opinion is missing.
    """
    plain = pytest.param(Voprf(PlainPython()), id="plain-python")
    try:
        return [plain, pytest.param(Voprf(libsodium()), id="libsodium")]
    except RuntimeError as error:
        missing = pytest.mark.skip(reason=f"SECOND OPINION MISSING: {error}; install libsodium23")
        return [plain, pytest.param(None, id="libsodium", marks=missing)]


def _text(name: str) -> str:
    return (_FOLDER / name).read_text()


def _all(encodings: list[str]) -> tuple[bytes, ...]:
    return tuple(bytes.fromhex(encoding) for encoding in encodings)
