"""Our strict reader of signed messages, held against http-message-signatures both ways."""

from __future__ import annotations

import datetime
import secrets
from dataclasses import dataclass, field

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import (
    HTTPMessageSigner,
    HTTPMessageVerifier,
    InvalidSignature,
    MappingKeyResolver,
    algorithms,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from exchange.crypto.messages import (
    RequestParts,
    SignedRequest,
    check_digest,
    digest_of,
    parse_request,
    verify,
)
from exchange.crypto.responses import ResponseParts, ResponseSigner, sign_response
from tests.support.message_parts import loaded
from tests.support.signed_requests import PrivateKey

KEYS: dict[str, PrivateKey] = {
    "ed25519": Ed25519PrivateKey.generate(),
    "ecdsa-p256-sha256": generate_private_key(SECP256R1()),
}
ALGORITHMS = {
    "ed25519": algorithms.ED25519,
    "ecdsa-p256-sha256": algorithms.ECDSA_P256_SHA256,
}
COMPONENTS = ("@method", "@target-uri", "content-digest", "content-type")
PATHS = st.from_regex(r"/[a-zA-Z0-9/_.~-]{0,20}(\?[a-z]=([a-z0-9]|%2F){0,8})?", fullmatch=True)


@dataclass(slots=True, kw_only=True)
class Message:
    """A request as the library wants it."""

    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Answer:
    """A response as the library wants it."""

    status_code: int
    headers: dict[str, str]
    request: Message

    @property
    def url(self) -> str:
        """The library asks every message for it."""
        return self.request.url


def sign_with_library(
    message: Message, body: bytes, *, algorithm: str = "ed25519", components: tuple[str, ...]
) -> None:
    """Sign a request as a stock client does."""
    HTTPMessageSigner(
        signature_algorithm=ALGORITHMS[algorithm],
        key_resolver=MappingKeyResolver(
            public_keys={}, private_keys={"member-a/k1": KEYS[algorithm]}
        ),
    ).sign(
        message,
        key_id="member-a/k1",
        nonce=secrets.token_urlsafe(16),
        tag="cx-1-request",
        covered_component_ids=components,
        body=body or None,
    )


def read(message: Message, body: bytes) -> SignedRequest:
    """Read a message of the library's with our own code."""
    return parse_request(
        RequestParts(
            method=message.method,
            target_uri=message.url,
            content_digest=message.headers.get("Content-Digest"),
            content_type=message.headers.get("Content-Type"),
            signature_input=message.headers.get("Signature-Input"),
            signature=message.headers.get("Signature"),
            has_body=bool(body),
        )
    )


@pytest.mark.parametrize("algorithm", KEYS)
@given(
    path=PATHS,
    body=st.binary(min_size=1, max_size=50),
    components=st.permutations(COMPONENTS),
)
@settings(max_examples=25)
def test_what_the_library_signs_we_verify(
    algorithm: str, path: str, body: bytes, components: list[str]
) -> None:
    """A member with nothing of ours but a stock library must be heard."""
    message = Message(
        method="POST",
        url=f"https://exchange.example{path}",
        headers={"Content-Type": "application/json"},
    )
    sign_with_library(message, body, algorithm=algorithm, components=tuple(components))

    signed = read(message, body)

    assert verify(signed, loaded(KEYS[algorithm].public_key()))
    check_digest(signed, body)
    assert not verify(
        replace(signed, base=signed.base + b" "), loaded(KEYS[algorithm].public_key())
    )


def test_a_request_without_a_body_needs_no_content_fields() -> None:
    """GET is signed too, and a stock client signs it so."""
    message = Message(method="GET", url="https://exchange.example/v1/events?after=1")
    sign_with_library(message, b"", components=COMPONENTS[:2])

    assert verify(read(message, b""), loaded(KEYS["ed25519"].public_key()))


def test_what_we_sign_in_answer_the_library_verifies_and_binds() -> None:
    """A member must be able to check our responses without our SDK."""
    request = Message(
        method="POST",
        url="https://exchange.example/v1/queries",
        headers={"Content-Type": "application/json"},
    )
    sign_with_library(request, b"{}", components=COMPONENTS)
    key = Ed25519PrivateKey.generate()
    body = b'{"receipt":"x"}'
    response = ResponseParts(
        status=200, content_digest=digest_of(body), content_type="application/json"
    )
    created = int(datetime.datetime.now(datetime.UTC).timestamp())

    headers = sign_response(
        response,
        read(request, b"{}"),
        ResponseSigner(keyid="test-response-1", sign=key.sign),
        created,
    )

    answer = Answer(
        status_code=200,
        headers={
            "Content-Type": "application/json",
            "Content-Digest": digest_of(body),
            **headers,
        },
        request=request,
    )
    verifier = HTTPMessageVerifier(
        signature_algorithm=algorithms.ED25519,
        key_resolver=MappingKeyResolver(
            public_keys={"test-response-1": key.public_key()}, private_keys={}
        ),
    )
    needed = ('"@status"', '"content-digest"', '"signature";req;key="pyhms"')
    results = verifier.verify(
        answer, expect_tag="cx-1-response", require_components=needed, body=body
    )
    assert [body] == [result.body for result in results]
    answer.status_code = 409
    with pytest.raises(InvalidSignature):
        verifier.verify(answer, expect_tag="cx-1-response", body=body)
