"""The SDK's signed requests: the vectors, the exchange's own half, a stock library."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field

import pytest
from http_message_signatures import HTTPMessageVerifier, MappingKeyResolver, algorithms
from hypothesis import given
from hypothesis import strategies as st

from exchange.crypto.messages import RequestParts, check_digest, parse_request, verify
from exchange.crypto.public_keys import public_key_of
from exchange.domain.members import Algorithm as MemberAlgorithm
from exchange_client.keys import Algorithm, KeyFile
from exchange_client.signing import (
    Request,
    possession_text,
    prove_possession,
    sign_request,
)
from tests.support.signature_vectors import (
    KEYS,
    POSSESSION,
    REQUESTS,
    RequestVector,
)
from tests.support.signed_requests import key_of_text

OURS = [one for one in REQUESTS.values() if one["label"] == "sig"]


def key_file(keyid: str) -> KeyFile:
    """Return the member's key of the vectors."""
    member, _, key = keyid.partition("/")
    algorithm = KEYS[keyid]["algorithm"]
    return KeyFile(
        member=member,
        key=key,
        algorithm=Algorithm(algorithm),
        private=key_of_text(KEYS[keyid]["seed_text"], algorithm),
    )


def request_of(vector: RequestVector) -> Request:
    """Return the request of the vectors before it is signed."""
    return Request(
        method=vector["method"],
        target_uri=vector["target_uri"],
        body=vector["body"].encode(),
        content_type=vector["content_type"],
    )


@pytest.mark.parametrize("vector", OURS, ids=lambda one: str(one["name"]))
def test_a_request_is_signed_as_in_the_vectors(vector: RequestVector) -> None:
    """Another language checks itself with these vectors: the SDK must follow them too."""
    key = key_file(vector["keyid"])

    signed = sign_request(request_of(vector), key, created=vector["created"], nonce=vector["nonce"])

    assert vector["signature_input"] == signed.headers["Signature-Input"]
    assert vector["content_digest"] == signed.headers.get("Content-Digest")
    if key.algorithm is Algorithm.ED25519:  # The other signs differently each time.
        assert vector["signature"] == signed.headers["Signature"]


@pytest.mark.parametrize("algorithm", list(Algorithm))
@given(
    path=st.from_regex(r"/[a-z0-9/]{0,20}(\?a=[a-z0-9]{1,5})?", fullmatch=True), body=st.binary()
)
def test_the_exchange_verifies_what_the_sdk_signs(
    algorithm: Algorithm, path: str, body: bytes
) -> None:
    """Two implementations that never share code must agree on every request."""
    key = KeyFile.generate("member-a", algorithm=algorithm)
    request = Request(
        method="POST",
        target_uri=f"https://exchange.example{path}",
        body=body,
        content_type="application/json" if body else None,
    )

    signed = sign_request(request, key, created=1_790_000_000, nonce="n" * 22)

    read = parse_request(
        RequestParts(
            method="POST",
            target_uri=request.target_uri,
            content_digest=signed.headers.get("Content-Digest"),
            content_type=signed.headers.get("Content-Type"),
            signature_input=signed.headers["Signature-Input"],
            signature=signed.headers["Signature"],
            has_body=bool(body),
        )
    )
    assert verify(read, public_key_of(MemberAlgorithm(algorithm.value), key.public_key))
    check_digest(read, body)


@dataclass(slots=True, kw_only=True)
class Message:
    """A request as the stock library wants it."""

    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_a_stock_library_verifies_what_the_sdk_signs(algorithm: Algorithm) -> None:
    """Our requests are RFC 9421, and not merely what our own server takes."""
    key = KeyFile.generate("member-a", algorithm=algorithm)
    body = b'{"epoch":"ep_1"}'
    request = Request(
        method="POST",
        target_uri="https://exchange.example/v1/queries",
        body=body,
        content_type="application/json",
    )

    signed = sign_request(request, key, created=_clock(), nonce="n" * 22)

    verifier = HTTPMessageVerifier(
        signature_algorithm=algorithms.ED25519
        if algorithm is Algorithm.ED25519
        else algorithms.ECDSA_P256_SHA256,
        key_resolver=MappingKeyResolver(
            public_keys={"member-a/k1": key.private.public_key()}, private_keys={}
        ),
    )
    message = Message(method="POST", url=request.target_uri, headers=dict(signed.headers))
    results = verifier.verify(
        message, expect_tag="cx-1-request", require_components=("content-digest",), body=body
    )
    assert [body] == [result.body for result in results]


@pytest.mark.parametrize("proof", POSSESSION, ids=lambda one: str(one["keyid"]))
def test_a_proof_of_possession_is_that_of_the_vectors(proof: dict[str, str]) -> None:
    """Operator and member must sign and check the same text."""
    key = key_file(proof["keyid"])

    assert proof["text"].encode() == possession_text(proof["origin"], key)
    if key.algorithm is Algorithm.ED25519:
        assert proof["signature"] == prove_possession(proof["origin"], key).hex()


def _clock() -> int:
    return int(datetime.datetime.now(datetime.UTC).timestamp())


def test_a_body_without_a_type_is_never_signed() -> None:
    """The exchange would refuse it; the mistake is named before anything is sent."""
    request = Request(method="POST", target_uri="https://exchange.example/v1/x", body=b"{}")

    with pytest.raises(ValueError, match="content type"):
        sign_request(request, KeyFile.generate("member-a"), created=1, nonce="n" * 22)
