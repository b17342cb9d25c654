"""Hostile signatures (A16 to A25), over raw sockets."""

from __future__ import annotations

import json
import threading
from base64 import b64decode, b64encode
from dataclasses import replace

import pytest

from tests.hostile.target import Reply, Target, as_key
from tests.support.edge_app import private_key
from tests.support.signed_requests import digest_of, signed_headers

ORDER = 2**252 + 27742317777372353535851937790883648493


def without_id(reply: Reply) -> dict[str, object]:
    """Return a problem document without what differs between any two requests."""
    return {name: one for name, one in json.loads(reply.body).items() if name != "request_id"}


def test_a16_a17_a18_strangers_get_one_answer(target: Target) -> None:
    """No signature, an unknown key, a suspended member, a wrong key: nobody learns which."""
    draft = target.draft()
    replies = [
        target.changed(draft, Signature=None, Signature_Input=None),
        target.changed(draft, Signature=None),
        target.changed(draft, Signature_Input=None),
        target.send(as_key(draft, "member-a/k9")),
        target.send(as_key(draft, "nobody/k1")),
        target.send(as_key(draft, "suspended/k1")),
        target.send(as_key(draft, "member-a/revoked")),
        target.send(draft, key=private_key("somebody else")),
    ]

    assert {401} == {reply.status for reply in replies}
    assert [without_id(replies[0])] * len(replies) == [without_id(reply) for reply in replies]
    assert all("signature" not in reply.headers for reply in replies)
    assert replies[0].code == "auth.signature"


@pytest.mark.parametrize(
    "components",
    [
        (),
        ("@target-uri", "content-digest", "content-type"),
        ("@method", "content-digest", "content-type"),
        ("@method", "@target-uri", "content-type"),
        ("@method", "@target-uri", "content-digest"),
        ("@method", "@target-uri"),
        ("@method", "@target-uri", "content-digest", "content-type", "host"),
        ("@method", "@path", "content-digest", "content-type"),
        ("@method", "@target-uri", "content-digest", "content-type", "@method"),
    ],
    ids=lambda one: " ".join(one) or "nothing",
)
def test_a19_a_signature_that_covers_something_else_is_refused(
    target: Target, components: tuple[str, ...]
) -> None:
    """A signature over nothing is right for every request."""
    reply = target.send(replace(target.draft(), components=components))

    assert (401, "auth.coverage") == (reply.status, reply.code)


@pytest.mark.parametrize(("offset", "taken"), [(-120, False), (-50, True), (20, True), (60, False)])
def test_a20_a_request_of_another_time_is_refused(target: Target, offset: int, taken: bool) -> None:
    """The exact seconds are held in tests/api with a clock that stands still."""
    draft = target.draft()

    reply = target.send(replace(draft, created=draft.created + offset))

    assert (200, "") == (reply.status, reply.code) if taken else reply.code == "auth.stale"


def test_a20_an_expired_request_is_refused(target: Target) -> None:
    """Its sender has let it die."""
    draft = target.draft()

    reply = target.send(replace(draft, expires=draft.created - 1))

    assert (401, "auth.stale") == (reply.status, reply.code)


def test_a22_a_body_that_was_not_signed_is_refused_before_parsing(target: Target) -> None:
    """The bytes sent are no JSON at all: were they parsed, this would be a 400."""
    draft = target.draft()
    headers = signed_headers(draft, private_key(draft.keyid))

    reply = target.send(replace(draft, body=b"{" * len(draft.body)), headers=headers)

    assert (401, "auth.digest") == (reply.status, reply.code)


@pytest.mark.parametrize(
    "digest",
    [
        "sha-512=:" + b64encode(bytes(64)).decode() + ":",
        "md5=:" + b64encode(bytes(16)).decode() + ":",
        digest_of(b"other"),
        digest_of(b"") + ", sha-512=:AA==:",
        "sha-256=:AA==:",
        "sha-256=x",
        "SHA-256=:" + b64encode(bytes(32)).decode() + ":",
        "",
    ],
)
def test_a22_another_digest_is_refused_though_it_is_signed(target: Target, digest: str) -> None:
    """The signature over it is right; what it says of the body is not."""
    reply = target.send(replace(target.draft(), content_digest=digest or " "))

    assert (401, "auth.digest") == (reply.status, reply.code)


def test_a22_no_digest_on_a_body_is_refused(target: Target) -> None:
    """A body that no signature speaks of is anybody's."""
    draft = replace(target.draft(), components=("@method", "@target-uri", "content-type"))

    reply = target.changed(draft, Content_Digest=None)

    assert reply.status == 401


def test_a23_one_nonce_under_many_threads_acts_once(target: Target) -> None:
    """Eight senders of one captured request: one is heard."""
    draft = replace(target.draft(), nonce="r" * 22 + str(target.port))
    replies: list[Reply] = []
    threads = [
        threading.Thread(target=lambda: replies.append(target.send(draft))) for _ in range(8)
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [200] + [409] * 7 == sorted(reply.status for reply in replies)
    assert {"auth.replayed"} == {reply.code for reply in replies if reply.status == 409}


def test_a24_a_request_for_one_route_is_nothing_at_another(target: Target) -> None:
    """Signed for `/v1/queries`, sent elsewhere, or with another query."""
    draft = target.draft()
    headers = signed_headers(draft, private_key(draft.keyid))
    lines = [f"{name}: {value}" for name, value in headers.items()]

    for path in (target.other_path, target.json_path + "?a=1", target.json_path + "/"):
        assert target.send_lines(draft, lines, target=path).code == "auth.signature"
    got = target.draft("GET", target.get_path + "?a=1&b=2")
    swapped = [f"{n}: {v}" for n, v in signed_headers(got, private_key(got.keyid)).items()]
    assert (
        target.send_lines(got, swapped, target=target.get_path + "?b=2&a=1").code
        == "auth.signature"
    )


def test_a25_signatures_of_another_length_or_spelling_are_refused(target: Target) -> None:
    """63 bytes, S past the order, zeros, and a second spelling of the right one."""
    draft = target.draft()
    headers = signed_headers(draft, private_key(draft.keyid))
    text = headers["Signature"].removeprefix("sig=:").removesuffix(":")
    raw = b64decode(text)
    s = int.from_bytes(raw[32:], "little")
    wrong = (
        raw[:63],
        raw + b"\0",
        raw[:32] + (s + ORDER).to_bytes(32, "little"),
        bytes(64),
        b"\1" + bytes(63),
        b"",
    )
    fields = [f"sig=:{b64encode(one).decode()}:" for one in wrong]
    fields += [f"sig=:{text[:-3]}{chr(ord(text[-3]) + 1)}==:", f"sig={text}", f"sig=:{text[:-2]}:"]

    for field in fields:
        reply = target.send(draft, headers={**headers, "Signature": field})
        assert (401, "auth.signature") == (reply.status, reply.code)


@pytest.mark.parametrize(
    "field",
    [
        "",
        "sig",
        "sig=",
        "sig=()",
        "sig=1",
        'sig=("@method"',
        'sig=("@method");',
        'sig=("@method");tag="cx-1-request',
        "sig=" + "(" * 2000,
        'sig=("' + "\\\\" * 1000 + '")',
        'sig=("@method");created=1;created=2;tag="cx-1-request"',
        "\u00e9",
    ],
)
def test_a16_a_signature_field_that_cannot_be_read_is_refused(target: Target, field: str) -> None:
    """No header makes the server fail."""
    draft = target.draft()
    headers = signed_headers(draft, private_key(draft.keyid))

    reply = target.send(draft, headers={**headers, "Signature-Input": field})

    assert reply.status in (400, 401)
