"""The quick reader of requests beside gunicorn's: what it takes has one reading, and that one."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from gunicorn.config import Config  # type: ignore[import-untyped]  # it ships no types
from gunicorn.http.parser import RequestParser  # type: ignore[import-untyped]  # as above
from gunicorn.http.wsgi import create  # type: ignore[import-untyped]  # as above
from hypothesis import given
from hypothesis import strategies as st

from exchange.jobs.serving.plain_requests import PlainParser, PlainRequest

CLIENT, SERVER = ("127.0.0.1", 40_000), ("127.0.0.1", 8_000)
NEXT = b"GET /healthz HTTP/1.1\r\n\r\n"
# What only gunicorn hands on, or what a server process adds to it.
BESIDE = frozenset(
    {"gunicorn.socket", "wsgi.early_hints", "wsgi.errors", "wsgi.input", "wsgi.multithread"}
)
SIGNED = (
    b"POST /v1/queries HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
    b"Content-Type: application/json\r\nSignature: sig=:AAAA:\r\n"
    b'Signature-Input: sig=("@method");created=1;tag="cx-1-request"\r\n\r\n{}'
)


def settings() -> Config:
    """Return gunicorn's settings, as far as readers look."""
    cfg = Config()
    cfg.set("limit_request_line", 100)
    cfg.set("limit_request_fields", 8)
    cfg.set("limit_request_field_size", 80)
    return cfg


def quick(sent: bytes, client: Any = CLIENT) -> tuple[dict[str, Any], bytes, bytes] | None:
    """Return environ, body and what is left, or None where the quick reader leaves it."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(sent)
        theirs.shutdown(socket.SHUT_WR)
        parser = PlainParser(settings(), ours, client, SERVER)
        received = ours.recv(65_536)
        plain = parser._plain(received) if received else None
        if not isinstance(plain, PlainRequest):
            assert b"" == parser.unreader.take_buffered()
            return None
        return plain.environ, plain.body.read(), parser.unreader.take_buffered()


def strict(sent: bytes, client: Any = CLIENT) -> tuple[dict[str, Any], bytes, bytes]:
    """Return what gunicorn's own reader makes of it; raises what that raises."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(sent)
        theirs.shutdown(socket.SHUT_WR)
        parser = RequestParser(settings(), ours, client)
        request = next(parser)
        _, environ = create(request, ours, client, SERVER, parser.cfg)
        body = request.body.read()
        left = parser.unreader.take_buffered()
        while chunk := ours.recv(65_536):
            left += chunk
        return environ, body, left


def compared(environ: dict[str, Any]) -> dict[str, Any]:
    """Return what both readers tell the application."""
    return {name: value for name, value in environ.items() if name not in BESIDE}


METHODS = st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "get", "PO ST", ""])
TARGETS = st.one_of(
    st.sampled_from(
        ["/v1/queries", "/a?b=c", "/a?b?c", "//a", "/a#b", "/%41", "/a//b", "*", "http://x/a", "/ "]
    ),
    st.text(alphabet='/?#%:;@[]a.&=\\"<>é\t', max_size=12).map("/".__add__),
)
VERSIONS = st.sampled_from(["HTTP/1.1"] * 6 + ["HTTP/1.0", "HTTP/2.0", "http/1.1"])
NAMES = st.one_of(
    st.sampled_from(
        [
            *("Host", "Content-Type", "content-type", "Content-Length", "Transfer-Encoding"),
            *("Connection", "Expect", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Ssl"),
            *("X_Forwarded_For", "Script_Name", "Signature", "Upgrade", "Trailer", "Te"),
        ]
    ),
    st.text(alphabet="aB-_ :\té!", min_size=0, max_size=4),
)
VALUES = st.one_of(
    st.sampled_from(
        [
            *("0", "2", "02", "+2", "2, 2", "chunked", "identity", "close", "keep-alive", "https"),
            *("100-continue", "h2c", "a,b", "", "x" * 90),
        ]
    ),
    st.text(alphabet="aé \t\r\n\0\x7f:,", max_size=6),
)
ENDS = st.sampled_from(["\r\n"] * 12 + ["\n", "\r", "\r\n "])


@given(
    method=METHODS,
    target=TARGETS,
    version=VERSIONS,
    fields=st.lists(st.tuples(NAMES, st.sampled_from([": ", ":", " :"]), VALUES, ENDS), max_size=9),
    body=st.binary(max_size=4),
    client=st.sampled_from([CLIENT, ("10.0.0.9", 1), ""]),
)
def test_what_the_quick_reader_takes_gunicorn_reads_alike(
    method: str,
    target: str,
    version: str,
    fields: list[tuple[str, str, str, str]],
    body: bytes,
    client: Any,
) -> None:
    """Where two readers see two requests, one of them is an attacker's."""
    head = f"{method} {target} {version}\r\n" + "".join(map("".join, fields)) + "\r\n"
    sent = head.encode("latin-1") + body + NEXT

    taken = quick(sent, client)

    if taken is not None:
        environ, read, left = strict(sent, client)
        assert (compared(environ), read, left) == (compared(taken[0]), taken[1], taken[2])


@pytest.mark.parametrize(
    "sent",
    [
        SIGNED,
        b"GET /v1/purposes HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /a?b=c HTTP/1.1\r\nconnection: Keep-Alive\r\nX-Forwarded-Proto: https\r\n\r\n",
        b"DELETE /a HTTP/1.1\r\n\r\n",
    ],
    ids=["signed query", "signed look", "behind a proxy", "no header"],
)
def test_what_clients_send_is_read_quickly_and_alike(sent: bytes) -> None:
    """A query costs a sixth more where its request goes the long way."""
    taken = quick(sent + NEXT)

    assert taken is not None
    environ, read, left = strict(sent + NEXT)
    assert (compared(environ), read, left) == (compared(taken[0]), taken[1], taken[2])


@pytest.mark.parametrize(
    "sent",
    [
        SIGNED[:-1],
        b"GET /a HTTP/1.1\r\nHost: x",
        SIGNED.replace(b"Length: 2", b"Length: "),
        SIGNED.replace(b"Length: 2", b"Length: +2"),
        SIGNED.replace(b"HTTP/1.1", b"HTTP/1.0"),
        SIGNED.replace(b"/v1/queries", b"/v1/%71ueries"),
        SIGNED.replace(b"Host: x", b"Transfer-Encoding: chunked"),
        SIGNED.replace(b"Host: x", b"Content-Length: 2"),
        SIGNED.replace(b"Host: x", b"Expect: 100-continue"),
        SIGNED.replace(b"Host: x", b"Connection: close"),
        SIGNED.replace(b"Host: x", b"X_Forwarded_For: 1"),
        SIGNED.replace(b"Host: x", b"Host: \xe9"),
        SIGNED.replace(b"Host: x", b"Host: a\tb"),
        SIGNED.replace(b"Host: x", b"Host : x"),
        SIGNED.replace(b"Host: x", b"Host: x\r\n folded"),
        SIGNED.replace(b"Host: x", b"Host: " + b"x" * 73),
        SIGNED.replace(b"Host: x", b"\r\n".join(b"X-%d: 1" % n for n in range(5))),
        SIGNED.replace(b"/v1/queries", b"/" + b"q" * 87),
    ],
    ids=lambda sent: str(sent[:60]),
)
def test_what_is_odd_is_left_to_gunicorn(sent: bytes) -> None:
    """The rules of framing stand in one place, which a whole community looks after."""
    assert quick(sent) is None


def test_behind_an_address_that_is_no_proxy_the_scheme_is_ours() -> None:
    """Whoever asks must not talk a page into another scheme."""
    sent = b"GET /a HTTP/1.1\r\nX-Forwarded-Proto: https\r\n\r\n"

    stranger = quick(sent, ("10.0.0.9", 1))

    assert stranger is not None
    assert "http" == stranger[0]["wsgi.url_scheme"]
