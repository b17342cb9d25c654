"""Hostile HTTP that the application itself meets (A8 to A15), over raw sockets."""

from __future__ import annotations

import gzip
from dataclasses import replace

import pytest

from tests.hostile.target import Target
from tests.support.edge_app import private_key
from tests.support.signed_requests import signed_headers


def test_a_right_request_is_answered(target: Target) -> None:
    """Every refusal below means something only because this one is taken."""
    assert target.send(target.draft()).status == 200


def test_a8_an_underscore_header_changes_nothing(target: Target) -> None:
    """`X_Member_Id` beside `X-Member-Id`: neither says who asks."""
    reply = target.changed(target.draft(), **{"X-Member-Id": "member-c"})
    draft = target.draft()
    signed = signed_headers(draft, private_key("member-a/k1"))
    lines = [f"{name}: {value}" for name, value in signed.items()]

    both = target.send_lines(draft, [*lines, "X_Member_Id: member-c", "X-Member-Id: b"])

    assert (200, 200) == (reply.status, both.status)


@pytest.mark.parametrize("name", ["Content-Digest", "Signature", "Signature-Input"])
@pytest.mark.parametrize("other", [False, True])
def test_a9_a_single_value_header_twice_is_refused(target: Target, name: str, other: bool) -> None:
    """Proxy and server could each believe another of the two."""
    draft = target.draft()
    signed = signed_headers(draft, private_key(draft.keyid))
    second = signed_headers(replace(draft, body=b"{}"), private_key(draft.keyid))
    again = second[name] if other else signed[name]

    reply = target.send_lines(
        draft, [*(f"{n}: {v}" for n, v in signed.items()), f"{name}: {again}"]
    )

    assert (400, "request.duplicate_header") == (reply.status, reply.code)


@pytest.mark.parametrize("line", ["Content-Length: 1", "Content-Type: text/plain"])
def test_a9_length_and_type_twice_are_refused(target: Target, line: str) -> None:
    """Two lengths are two bodies."""
    draft = target.draft()
    signed = signed_headers(draft, private_key(draft.keyid))

    reply = target.send_lines(draft, [*(f"{n}: {v}" for n, v in signed.items()), line])

    assert reply.status == 400


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("TRACE", "/v1/queries"),
        ("OPTIONS", "/v1/queries"),
        ("get", "/v1/queries"),
        ("post", "/v1/queries"),
        ("POST", "http://elsewhere.example/v1/queries"),
        ("POST", "//v1/queries"),
        ("POST", "/v1//queries"),
        ("POST", "/v1/x/../queries"),
        ("POST", "/v1/%2e%2e/v1/queries"),
        ("POST", "/v1/queries%00"),
        ("POST", "/v1/queries#x"),
        ("POST", "*"),
    ],
)
def test_a13_other_methods_and_spellings_of_the_target_are_refused(
    target: Target, method: str, path: str
) -> None:
    """One spelling a route, and no redirect that would carry a signed request elsewhere."""
    draft = replace(target.draft(), method=method)
    headers = signed_headers(draft, private_key(draft.keyid))

    reply = target.send_lines(draft, [f"{n}: {v}" for n, v in headers.items()], target=path)

    assert reply.status in (400, 404, 405)
    assert "location" not in reply.headers


@pytest.mark.parametrize(
    "media",
    [
        "application/evil+json",
        "application/json; charset=utf-8",
        "application/json;charset=utf-16",
        "application/json ;q=1",
        "text/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/x-ndjson",
        "",
    ],
)
def test_a14_another_media_type_is_refused(target: Target, media: str) -> None:
    """A type that some reader takes for JSON is not the type of this route."""
    reply = target.send(replace(target.draft(), content_type=media))

    assert (415, "request.media_type") == (reply.status, reply.code)


@pytest.mark.parametrize("encoding", ["gzip", "gzip, gzip", "deflate", "identity", "br"])
def test_a15_an_encoding_on_json_is_refused(target: Target, encoding: str) -> None:
    """What is unpacked before it is checked is a bomb."""
    draft = replace(target.draft(), body=gzip.compress(target.body()))

    reply = target.changed(draft, Content_Encoding=encoding)

    assert (415, "request.media_type") == (reply.status, reply.code)


def test_a_chunked_body_is_refused(target: Target) -> None:
    """A body without a length cannot be bounded before it is read."""
    draft = target.draft()
    headers = signed_headers(draft, private_key(draft.keyid))
    head = ["POST /v1/queries HTTP/1.1", "Host: x", "Connection: close"]
    lines = [*head, "Transfer-Encoding: chunked", *(f"{n}: {v}" for n, v in headers.items())]
    chunk = f"{len(draft.body):x}\r\n".encode() + draft.body + b"\r\n0\r\n\r\n"

    reply = target.send_bytes("\r\n".join(lines).encode() + b"\r\n\r\n" + chunk)

    assert (411, "request.length") == (reply.status, reply.code)


def test_a_body_over_the_limit_is_refused(target: Target) -> None:
    """64 KiB of JSON and one byte."""
    reply = target.post(target.body().ljust(64 * 1024 + 1))

    assert (413, "request.too_large") == (reply.status, reply.code)
