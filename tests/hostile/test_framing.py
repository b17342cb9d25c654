"""Hostile framing (A1 to A6, A10, A11), over raw sockets, to the server as it is configured.

The bare server is met here, without the proxy that stands before it in production.
"""

from __future__ import annotations

import socket

import pytest

from tests.hostile.live import LiveExchange
from tests.hostile.target import Target
from tests.support.edge_app import private_key
from tests.support.signed_requests import signed_headers

NEXT = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
PAUSE_SECONDS = 10  # the setting's default
SILENT = 7  # all but one of what a member may have under way; in production a proxy buffers bodies


@pytest.fixture
def exchange(live: LiveExchange) -> Target:
    """The exchange itself."""
    return live.target


def raw(target: Target, head: list[str], body: bytes = b"") -> bytes:
    """Send these lines and another request behind them; return all that comes back."""
    with socket.create_connection(("127.0.0.1", target.port), 30) as connection:
        connection.sendall("\r\n".join([*head, "", ""]).encode("latin-1") + body + NEXT)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    return received


@pytest.mark.parametrize(
    "lines",
    [
        ["Content-Length: 2", "Transfer-Encoding: chunked"],
        ["Transfer-Encoding: chunked", "Content-Length: 2"],
        ["Content-Length: 2", "Content-Length: 2"],
        ["Content-Length: 2", "Content-Length: 3"],
        ["Content-Length: 2, 2"],
        ["Content-Length: +4"],
        ["Content-Length: -1"],
        ["Content-Length: 0x2"],
        ["Transfer-Encoding: xchunked"],
        ["Transfer-Encoding: chunked, identity"],
        ["Transfer-Encoding: identity, chunked"],
        ["Transfer-Encoding : chunked"],
        ["Content-Length : 2"],
        ["X-A: 1", " folded: 2", "Content-Length: 2"],
        ["X-A: a\x00b", "Content-Length: 2"],
        ["X A: 1", "Content-Length: 2"],
        [": 1", "Content-Length: 2"],
    ],
    ids=lambda lines: " | ".join(lines).encode("unicode_escape").decode(),
)
def test_a1_a2_a3_a4_a5_a6_ambiguous_framing_ends_the_connection(
    exchange: Target, lines: list[str]
) -> None:
    """Where proxy and server see two requests differently, one of them is an attacker's."""
    received = raw(exchange, ["POST /v1/queries HTTP/1.1", "Host: x", *lines], b"{}")

    statuses = [part.split(b" ", 1)[0] for part in received.split(b"HTTP/1.1 ")[1:]]
    assert 1 == len(statuses), received
    assert statuses[0] in {b"400", b"401", b"411", b"501"}, received
    assert statuses[0] != b"501" or lines[0].startswith("Transfer-Encoding: "), received


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (["GET /healthz HTTP/1.1", "Host: x", "X-Long: " + "a" * 9_000], 431),
        (["GET /healthz HTTP/1.1", "Host: x", *(f"X-{n}: 1" for n in range(150))], 431),
        (["GET /healthz?" + "a" * 5_000 + " HTTP/1.1", "Host: x"], 414),
    ],
    ids=["9 KiB header", "150 headers", "5 KiB line"],
)
def test_a10_what_is_too_long_is_refused_unread(
    exchange: Target, head: list[str], status: int
) -> None:
    """Headers are read before anybody knows who sends them."""
    received = raw(exchange, [*head, "Connection: close"])

    assert received.startswith(f"HTTP/1.1 {status} ".encode()), received[:80]


def test_a11_a_silent_body_is_told_and_holds_nobody_up(exchange: Target) -> None:
    """One client that announces a body and says nothing must not stop the others."""
    silent = []
    for _ in range(SILENT):
        draft = exchange.draft()
        lines = [f"{n}: {v}" for n, v in signed_headers(draft, private_key(draft.keyid)).items()]
        head = ["POST /v1/queries HTTP/1.1", "Host: x", f"Content-Length: {len(draft.body)}"]
        connection = socket.create_connection(("127.0.0.1", exchange.port), 4 * PAUSE_SECONDS)
        connection.sendall("\r\n".join([*head, *lines, "", ""]).encode() + draft.body[:10])
        silent.append(connection)

    served = exchange.send(exchange.draft())
    told = []
    for connection in silent:
        with connection.makefile("rb") as answered:  # to its end: it may come in pieces
            told.append(answered.read())
        connection.close()
    assert 200 == served.status
    assert {b"HTTP/1.1 408 "} == {one[:13] for one in told}, told
    assert all(b"request.timeout" in one for one in told), told
