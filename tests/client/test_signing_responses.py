"""Responses: what the exchange signed to this request is taken, all else is an outage."""

from __future__ import annotations

import datetime
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from exchange.crypto.messages import RequestParts, parse_request
from exchange.crypto.responses import ResponseParts, ResponseSigner, sign_response
from exchange_client.errors import Outage, UnverifiedResponse
from exchange_client.keys import KeyFile
from exchange_client.signing import (
    Request,
    Response,
    SignedRequest,
    digest_of,
    sign_request,
    verify_response,
)
from tests.support.signature_vectors import (
    KEYS,
    REQUESTS,
    RESPONSE_KEY,
    RESPONSES,
    RequestVector,
    ResponseVector,
)

PINNED = {RESPONSE_KEY: bytes.fromhex(KEYS[RESPONSE_KEY]["public"])}
SIGNER = Ed25519PrivateKey.generate()
SIGNER_PINNED = {"r1": SIGNER.public_key().public_bytes_raw()}


def signed_of(vector: RequestVector) -> SignedRequest:
    """Return the signed request of the vectors."""
    return SignedRequest(
        method=vector["method"],
        target_uri=vector["target_uri"],
        created=vector["created"],
        content_digest=vector["content_digest"],
        signature=vector["signature"].partition("=")[2],
        headers={},
    )


def response_of(vector: ResponseVector) -> Response:
    """Return the response of the vectors as it comes in."""
    headers = {
        "content-digest": vector["content_digest"],
        "content-type": vector["content_type"],
        "signature-input": vector["signature_input"],
        "signature": vector["signature"],
    }
    return Response(
        status=vector["status"],
        headers={name: value for name, value in headers.items() if value is not None},
        body=vector["body"].encode(),
    )


@pytest.mark.parametrize(
    "vector",
    [one for one in RESPONSES if REQUESTS[one["request"]]["label"] == "sig"],
    ids=lambda one: f"{one['request']} {one['status']}",
)
def test_a_response_of_the_vectors_is_verified(vector: ResponseVector) -> None:
    """A genuine answer must never be taken for an outage."""
    verify_response(
        response_of(vector),
        signed_of(REQUESTS[vector["request"]]),
        PINNED,
        now=vector["created"],
    )


def _answer(request: SignedRequest, *, created: int, status: int = 200) -> Response:
    """Answer a request as the exchange does."""
    body = b'{"receipt":"x"}'
    read = parse_request(
        RequestParts(
            method=request.method,
            target_uri=request.target_uri,
            content_digest=request.content_digest,
            content_type=request.headers.get("Content-Type"),
            signature_input=request.headers["Signature-Input"],
            signature=request.headers["Signature"],
            has_body=request.content_digest is not None,
        )
    )
    signed = sign_response(
        ResponseParts(
            status=status, content_digest=digest_of(body), content_type="application/json"
        ),
        read,
        ResponseSigner(keyid="r1", sign=SIGNER.sign),
        created,
    )
    headers = {
        "content-digest": digest_of(body),
        "content-type": "application/json",
        **{name.lower(): value for name, value in signed.items()},
    }
    return Response(status=status, headers=headers, body=body)


def _ask(nonce: str = "n" * 22) -> SignedRequest:
    return sign_request(
        Request(
            method="POST",
            target_uri="https://exchange.example/v1/queries",
            body=b"{}",
            content_type="application/json",
        ),
        KeyFile.generate("member-a"),
        created=_clock(),
        nonce=nonce,
    )


@pytest.mark.parametrize(
    ("step", "change"),
    [
        ("(1)", lambda one: replace(one, headers={"content-type": "application/json"})),
        ("(1)", lambda one: _with(one, "signature", None)),
        ("(1)", lambda one: _with(one, "signature-input", None)),
        ("(1)", lambda one: _edit(one, "signature-input", "cx-1-response", "cx-1-request")),
        ("(1)", lambda one: _edit(one, "signature-input", "sig=", "sig2=")),
        ("(1)", lambda one: _edit(one, "signature-input", "ed25519", "hmac-sha256")),
        ("(1)", lambda one: _edit(one, "signature", "==:", "=:")),
        ("(2)", lambda one: _edit(one, "signature-input", '"@status" ', "")),
        ("(2)", lambda one: _edit(one, "signature-input", ' "signature";req;key="sig"', "")),
        ("(2)", lambda one: _edit(one, "signature-input", '"content-digest" ', "")),
        ("(3)", lambda one: _edit(one, "signature-input", '"r1"', '"r2"')),
        ("(5)", lambda one: replace(one, status=404)),
        ("(5)", lambda one: _with(one, "content-type", "text/html")),
        ("(5)", lambda one: _with(one, "content-digest", digest_of(b"other"))),
        ("(5)", lambda one: _edit(one, "signature", "sig=:", "sig=:AAAA", cut=4)),
        ("(6)", lambda one: replace(one, body=one.body + b" ")),
        ("(2)", lambda one: _with(replace(one, body=b""), "content-digest", None)),
    ],
)
def test_a_response_changed_in_any_part_is_an_outage(step: str, change: object) -> None:
    """What nobody we trust has signed says nothing, whatever it says."""
    request = _ask()
    assert callable(change)
    changed = change(_answer(request, created=_clock()))

    with pytest.raises(UnverifiedResponse) as refused:
        verify_response(changed, request, SIGNER_PINNED, now=_clock())

    assert str(refused.value).startswith(step)
    assert isinstance(refused.value, Outage)


def test_a_response_to_another_request_is_an_outage() -> None:
    """An old answer, or one to another subject's question, must not be passed off as this one's."""
    first, second = _ask("a" * 22), _ask("b" * 22)
    response = _answer(first, created=_clock())

    verify_response(response, first, SIGNER_PINNED, now=_clock())
    with pytest.raises(UnverifiedResponse):
        verify_response(response, second, SIGNER_PINNED, now=_clock())


@pytest.mark.parametrize(
    ("offset", "taken"), [(-31, False), (-30, True), (0, True), (60, True), (61, False)]
)
def test_a_response_is_taken_within_the_window_of_the_clocks(offset: int, taken: bool) -> None:
    """Clocks may differ by what the exchange would tolerate of ours, and no more."""
    request = _ask()
    response = _answer(request, created=request.created + offset)

    if taken:
        verify_response(response, request, SIGNER_PINNED, now=request.created)
    else:
        with pytest.raises(UnverifiedResponse, match=r"\(4\)"):
            verify_response(response, request, SIGNER_PINNED, now=request.created)


def _clock() -> int:
    return int(datetime.datetime.now(datetime.UTC).timestamp())


def _with(response: Response, name: str, value: str | None) -> Response:
    headers = {**response.headers, name: value}
    kept = {name: one for name, one in headers.items() if one is not None}
    return replace(response, headers=kept)


def _edit(response: Response, name: str, old: str, new: str, *, cut: int = 0) -> Response:
    value = response.headers[name]
    assert old in value
    start = value.index(old)
    return _with(response, name, value[:start] + new + value[start + len(old) + cut :])
