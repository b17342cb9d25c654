"""Hostile endpoints: odd URLs, names that flip, servers that redirect, flood, drip or lie."""

from __future__ import annotations

import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from ipaddress import ip_address
from pathlib import Path
from threading import Thread

import pytest

from exchange.app.webhook_sender import WebhookSender
from exchange.domain.outward.addresses import is_public
from exchange.domain.outward.endpoints import Endpoint, EndpointRules, read_endpoint
from exchange.errors import InvalidEndpoint
from exchange.services.webhooks.ports import Answered
from tests.support.outward.doorbell import Doorbell, answers, doorbell

RULES = EndpointRules(ports=frozenset({443, 8443}))


@dataclass(slots=True)
class Names:
    """A resolver that answers from a list, each time the next."""

    answers: list[list[str]]
    asked: int = 0

    def __call__(self, host: str, port: int) -> list[str]:
        self.asked += 1
        return self.answers[min(self.asked, len(self.answers)) - 1]


@pytest.fixture
def sender() -> Iterator[WebhookSender]:
    """A sender that may ring on this machine, with a short deadline."""
    with ThreadPoolExecutor(2) as lookups:
        yield WebhookSender(
            seconds_max=1.0,
            reply_bytes_max=4_096,
            loopback=True,
            lookups=lookups,
            tls=ssl.create_default_context(),
            resolve=Names([["127.0.0.1"]]),
        )


def at(bell: Doorbell) -> Endpoint:
    """Return the endpoint of a doorbell."""
    return Endpoint(secure=False, host="localhost", port=bell.port, target="/hook?x=1")


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.member-a.example/x",
        "file:///etc/passwd",
        "gopher://hooks.member-a.example/",
        "https://user:secret@hooks.member-a.example/",
        "https://hooks.member-a.example@127.0.0.1/",
        "https://hooks.member-a.example:22/",
        "https://hooks.member-a.example:0443/",
        "https://hooks.member-a.example:70000/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::1]/",
        "https://0177.0.0.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://127.1/",
        "https://127.0.0.1/",
        "https://8.8.8.8/",
        "https://hooks.member-\u0430.example/",
        "https://xn--hooks-5ve.example/",
        "https://hooks.xn--p1ai/",
        "https://Hooks.member-a.example/",
        "https://hooks.member-a.example./",
        "https://hooks..example/",
        "https://-hooks.example/",
        "https://localhost/",
        "https://db.internal/",
        "https://printer.local/",
        "https://1.168.192.in-addr.arpa/",
        "https://hooks.member-a.example/#x",
        "https://hooks.member-a.example/a b",
        "https://hooks.member-a.example/\r\nHost: x",
        "https://hooks.member-a.example\\@127.0.0.1/",
        "//hooks.member-a.example/",
        "https:/hooks.member-a.example/",
        "https://",
        "",
        "https://hooks.member-a.example/" + "a" * 500,
    ],
)
def test_a85_an_odd_endpoint_is_refused_at_registration(url: str) -> None:
    """What reads as a name here and as an address there lets a member ring inside our own walls."""
    with pytest.raises(InvalidEndpoint) as refused:
        read_endpoint(url, RULES)

    assert "/url" == refused.value.faults[0].pointer
    assert "example" not in str(refused.value)


def test_a85_an_ordinary_endpoint_is_taken() -> None:
    """A rule that refuses everything protects nobody."""
    endpoint = read_endpoint("https://hooks.member-a.example:8443/in/x?y=z", RULES)

    assert ("hooks.member-a.example", 8443, "/in/x?y=z", True) == (
        endpoint.host,
        endpoint.port,
        endpoint.target,
        endpoint.secure,
    )
    assert "hooks.member-a.example:8443" == endpoint.authority


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.1", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.169.254"),
        *("172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.168.1.1", "198.18.0.1"),
        *("198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"),
        *("::", "::1", "::ffff:8.8.8.8", "::ffff:127.0.0.1", "::127.0.0.1", "64:ff9b::8.8.8.8"),
        *("64:ff9b:1::1", "100::1", "2001::1", "2001:10::1", "2001:db8::1", "2002:7f00:1::1"),
        *("3fff::1", "fc00::1", "fd00::1", "fe80::1", "fec0::1", "ff02::1", "5f00::1"),
        *("2a00:1::5efe:127.0.0.1", "2a00:1::200:5efe:127.0.0.1", "2a00:1::1%eth0"),
    ],
)
def test_a87_no_address_that_is_not_public_may_be_rung_at(address: str) -> None:
    """One forgotten range is a way to the database, or to the cloud's own secrets."""
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "172.32.0.1", "2a00:1450:4001::200e"])
def test_a87_a_public_address_may_be_rung_at(address: str) -> None:
    """The table denies what is not public, and no more."""
    assert is_public(ip_address(address))


def test_a87_a_name_is_resolved_once_and_the_checked_address_is_rung_at(
    sender: WebhookSender,
) -> None:
    """A name that flips after the check leads a deliverer past it."""
    names = Names([["127.0.0.1"], ["10.0.0.1"]])
    with doorbell() as bell:
        answered = replace(sender, resolve=names)(at(bell), {"webhook-id": "evt_1"}, b"{}")

    assert Answered(204, None) == answered
    assert 1 == names.asked
    assert "localhost:" in bell.headers()["host"]


@pytest.mark.parametrize(
    "found", [["10.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["::ffff:10.0.0.1"], ["not an address"], []]
)
def test_a87_a_name_with_any_inner_address_is_not_rung_at(
    sender: WebhookSender, found: list[str]
) -> None:
    """A name that also points inside is a trap that waits for its turn."""
    strict = replace(sender, loopback=False, resolve=Names([found]))

    answered = strict(Endpoint(secure=True, host="x.example", port=443, target="/"), {}, b"")

    assert Answered(None, "address") == answered


def test_a88_a_redirect_is_not_followed(sender: WebhookSender) -> None:
    """A redirect to an inner address would undo every check before it."""
    with doorbell() as inner, doorbell(answers(302, f"Location: {inner.url}")) as bell:
        answered = sender(at(bell), {}, b"{}")

    assert Answered(302, None) == answered
    assert 0 == inner.connections


def flood(line: socket.socket) -> None:
    """Answer with a header that never ends."""
    line.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        line.sendall(b"X-Flood: " + b"y" * 1_000 + b"\r\n")


def drip(line: socket.socket) -> None:
    """Answer one byte at a time, each within any pause that a socket would allow."""
    for byte in b"HTTP/1.1 200 OK\r\n" * 100:
        line.sendall(bytes([byte]))
        time.sleep(0.05)


def nonsense(line: socket.socket) -> None:
    """Answer what is no HTTP."""
    line.sendall(b"SSH-2.0-OpenSSH_9.9\r\n\r\n")


def hints(line: socket.socket) -> None:
    """Answer with interim answers without end."""
    while True:
        line.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")


@pytest.mark.parametrize(
    ("reply", "fault"),
    [(flood, "connection"), (drip, "timeout"), (nonsense, "connection"), (hints, "connection")],
    ids=["endless header", "a byte at a time", "not HTTP", "endless hints"],
)
def test_a88_a_bad_answer_is_a_failed_try_and_costs_little(
    sender: WebhookSender, reply: object, fault: str
) -> None:
    """One member's broken endpoint must not hold a deliverer, nor fill its memory."""
    assert callable(reply)
    with doorbell(reply) as bell:
        answered = sender(at(bell), {}, b"{}")

    assert Answered(None, fault) == answered


def test_a88_a_long_body_is_not_read(sender: WebhookSender) -> None:
    """The status is all that counts; ten gigabytes after it are nobody's business."""
    with doorbell(answers(200, body=b"z" * 1_000_000)) as bell:
        answered = sender(at(bell), {}, b"{}")

    assert Answered(200, None) == answered


def test_a88_a_certificate_of_another_name_ends_the_try(
    sender: WebhookSender, tmp_path: Path
) -> None:
    """Whoever answers in a member's name without its certificate is not the member."""
    port, server = _tls_server(tmp_path, "other.example")
    trusting = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))

    answered = replace(sender, tls=trusting)(
        Endpoint(secure=True, host="hooks.example", port=port, target="/"), {}, b"{}"
    )
    right = replace(sender, tls=trusting)(
        Endpoint(secure=True, host="other.example", port=port, target="/"), {}, b"{}"
    )

    server.close()
    assert [Answered(None, "tls"), Answered(204, None)] == [answered, right]


def _tls_server(directory: Path, name: str) -> tuple[int, socket.socket]:
    """Serve TLS under a certificate of this name, that it has signed itself."""
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext"),
            *(f"subjectAltName=DNS:{name}", "-keyout", str(directory / "key.pem")),
            *("-out", str(directory / "cert.pem")),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "cert.pem", directory / "key.pem")
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                line, _ = server.accept()
            except OSError:
                return
            with suppress(OSError), context.wrap_socket(line, server_side=True) as secured:
                secured.recv(65_536)
                secured.sendall(b"HTTP/1.1 204 X\r\n\r\n")

    Thread(target=serve, daemon=True).start()
    return server.getsockname()[1], server
