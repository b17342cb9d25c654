"""Signed messages against the vectors: ours, and those of the RFCs."""

from __future__ import annotations

import json
from base64 import b64decode

import pytest
from msgspec.structs import replace

from exchange.crypto.messages import check_digest, digest_of, parse_request, verify
from exchange.crypto.public_keys import possession_text, public_key_of, signature_holds
from exchange.crypto.responses import ResponseParts, ResponseSigner, sign_response
from exchange.crypto.signature_fields import input_of_tag
from exchange.domain.members import Algorithm
from exchange.errors import ExchangeError
from tests.support.message_parts import PUBLIC_KEYS, parts_of
from tests.support.signature_vectors import (
    KEYS,
    POSSESSION,
    REFUSED,
    REQUESTS,
    RESPONSE_KEY,
    RESPONSES,
    VECTORS,
    PossessionVector,
    RefusedVector,
    RequestVector,
    ResponseVector,
)
from tests.support.signed_requests import key_of_text, sign

RFC9421 = json.loads((VECTORS / "rfc9421_b.json").read_text())
RFC9530 = json.loads((VECTORS / "rfc9530_d.json").read_text())
RFC8032 = json.loads((VECTORS / "rfc8032_7_1.json").read_text())


@pytest.mark.parametrize("vector", REQUESTS.values(), ids=lambda one: str(one["name"]))
def test_a_request_of_the_vectors_is_verified_and_read(vector: RequestVector) -> None:
    """A member whose request is right in every part must be heard, in any legal order of parts."""
    signed = parse_request(parts_of(vector))

    assert vector["base"].encode() == signed.base
    assert vector["keyid"] == f"{signed.member}/{signed.key}"
    assert (vector["nonce"], vector["created"]) == (signed.nonce, signed.created)
    assert verify(signed, PUBLIC_KEYS[vector["keyid"]])
    check_digest(signed, vector["body"].encode())


@pytest.mark.parametrize("vector", REFUSED, ids=lambda one: str(one["why"]))
def test_an_altered_request_of_the_vectors_is_refused_with_its_code(vector: RefusedVector) -> None:
    """Each of these is a way in for somebody who is not the member."""
    parts = replace(parts_of(REQUESTS[vector["request"]]), **vector["changes"])

    with pytest.raises(ExchangeError) as refused:
        parse_request(parts)

    assert vector["code"] == refused.value.code


@pytest.mark.parametrize("vector", RESPONSES, ids=lambda one: f"{one['request']} {one['status']}")
def test_a_response_of_the_vectors_is_signed_to_the_byte(vector: ResponseVector) -> None:
    """A client that follows the protocol must be able to verify every response."""
    key = key_of_text(KEYS[RESPONSE_KEY]["seed_text"])
    bases: list[bytes] = []

    def sign_and_keep(base: bytes) -> bytes:
        bases.append(base)
        return sign(key, base)

    signer = ResponseSigner(keyid=RESPONSE_KEY, sign=sign_and_keep)
    response = ResponseParts(
        status=vector["status"],
        content_digest=vector["content_digest"],
        content_type=vector["content_type"],
    )

    headers = sign_response(
        response, parse_request(parts_of(REQUESTS[vector["request"]])), signer, vector["created"]
    )

    assert [vector["base"].encode()] == bases
    assert {
        "Signature-Input": vector["signature_input"],
        "Signature": vector["signature"],
    } == headers


@pytest.mark.parametrize("case", RFC9421["cases"], ids=lambda one: str(one["label"]))
def test_the_examples_of_rfc_9421_are_read_as_they_were_signed(case: dict[str, str]) -> None:
    """The text we would sign again must be the RFC's, byte for byte."""
    tagged = "tag=" in case["signature_input"]
    field = case["signature_input"] if tagged else f'{case["signature_input"]};tag="ours"'

    read = input_of_tag(field, "header-example" if tagged else "ours")

    assert case["label"] == read.label
    last_line = case["signature_base"].rpartition("\n")[2]
    assert last_line == '"@signature-params": ' + read.text.removesuffix(';tag="ours"')


@pytest.mark.parametrize(
    ("label", "key", "algorithm"),
    [
        ("sig-b24", "test-key-ecc-p256", Algorithm.ECDSA_P256),
        ("sig-b26", "test-key-ed25519", Algorithm.ED25519),
    ],
)
def test_the_signatures_of_rfc_9421_hold(label: str, key: str, algorithm: Algorithm) -> None:
    """Both algorithms must be those that other implementations mean by their names."""
    case = next(one for one in RFC9421["cases"] if one["label"] == label)
    public = public_key_of(algorithm, bytes.fromhex(RFC9421["keys"][key]["public"]))
    signature = b64decode(case["signature"].partition("=")[2].strip(":"))

    assert signature_holds(public, signature, case["signature_base"].encode())
    assert not signature_holds(public, signature, case["signature_base"].encode() + b" ")


@pytest.mark.parametrize("case", RFC8032["cases"], ids=lambda one: str(one["name"]))
def test_the_signatures_of_rfc_8032_hold(case: dict[str, str]) -> None:
    """Ed25519 must be the one of the RFC."""
    public = public_key_of(Algorithm.ED25519, bytes.fromhex(case["public"]))
    message, signature = bytes.fromhex(case["message"]), bytes.fromhex(case["signature"])

    assert signature_holds(public, signature, message)
    assert not signature_holds(public, signature, message + b"\0")


@pytest.mark.parametrize("case", RFC9530["sha-256"], ids=lambda one: str(one["section"]))
def test_digests_are_those_of_rfc_9530(case: dict[str, str]) -> None:
    """A stock client computes this header; another spelling would lock it out."""
    assert f"sha-256={case['digest']}" == digest_of(case["body"].encode())


@pytest.mark.parametrize("proof", POSSESSION, ids=lambda one: str(one["keyid"]))
def test_a_proof_of_possession_of_the_vectors_holds(proof: PossessionVector) -> None:
    """Nobody may register a key that somebody else holds."""
    key = KEYS[proof["keyid"]]
    algorithm, raw = Algorithm(key["algorithm"]), bytes.fromhex(key["public"])

    text = possession_text(proof["origin"], proof["keyid"], algorithm, raw)

    assert proof["text"].encode() == text
    assert signature_holds(PUBLIC_KEYS[proof["keyid"]], bytes.fromhex(proof["signature"]), text)
