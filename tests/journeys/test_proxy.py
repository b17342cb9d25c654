"""The nginx sample, run as it stands but for its addresses: what it lets through and what not."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2
import pytest

from exchange_client import Exchange, KeyFile, Pins, Withheld
from tests.hostile.target import free_port
from tests.support.borrowers import borrower
from tests.support.sandbox import BASE, make_sandbox

ROOT = Path(__file__).parents[2]
NGINX = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
WAIT_SECONDS_MAX = 60

pytestmark = pytest.mark.skipif(
    NGINX is None or shutil.which("openssl") is None,
    reason="NOT TESTED: the nginx sample was not run, nginx or openssl is absent here",
)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A directory with a short name: a unix socket's may have 107 bytes."""
    with TemporaryDirectory(prefix="cxp-", dir="/tmp") as directory:
        yield Path(directory)


@contextmanager
def proxy(folder: Path) -> Iterator[int]:
    """Run nginx with the sample in front of `<folder>/http.sock`; yield its port."""
    port, key, certificate = free_port(), folder / "key.pem", folder / "fullchain.pem"
    options = ["req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=exchange.example"]
    subprocess.run(
        ["openssl", *options, "-keyout", key, "-out", certificate],  # noqa: S607 - the system's own
        check=True,
        capture_output=True,
    )
    sample = (ROOT / "deploy" / "nginx" / "exchange.conf").read_text()
    for old, new in (
        ("/etc/credit-exchange/tls", str(folder)),
        ("/var/log/nginx", str(folder)),
        ("/run/credit-exchange", str(folder)),
        ("http2 on;", ""),  # nginx before 1.25 says it in `listen`
        ("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"),
        ("listen 80;", f"listen 127.0.0.1:{free_port()};"),
        ("listen [::]:443 ssl;", ""),
        ("listen [::]:80;", ""),
    ):
        assert old in sample
        sample = sample.replace(old, new)
    places = "".join(
        f"{name}_temp_path {folder}/{name};"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root root;" if os.geteuid() == 0 else ""
    whole = f"{user} daemon off; pid {folder}/pid; events {{}} http {{ {places} {sample} }}"
    (folder / "nginx.conf").write_text(whole)
    command = [str(NGINX), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    running = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        await_port(port, running)
        yield port
    finally:
        running.terminate()
        running.wait(WAIT_SECONDS_MAX)


def await_port(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until somebody listens."""
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("nginx did not start")


@contextmanager
def echo(path: Path) -> Iterator[None]:
    """Listen where the exchange would, and answer with the head of what arrives."""

    def serve(listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                head = b""
                while b"\r\n\r\n" not in head:
                    head += connection.recv(65536)
                length = f"Content-Length: {len(head)}".encode()
                connection.sendall(b"HTTP/1.1 200 OK\r\n" + length + b"\r\n\r\n" + head)

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        yield
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(WAIT_SECONDS_MAX)


def through(port: int, head: list[str]) -> str:
    """Send these lines over TLS and return what comes back."""
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", port), WAIT_SECONDS_MAX) as plain,
        trusting.wrap_socket(plain, server_hostname="exchange.example") as line,
    ):
        line.sendall("\r\n".join([*head, "Connection: close", "", ""]).encode())
        received = b""
        while chunk := line.recv(65536):
            received += chunk
    return received.decode()


def test_what_only_the_proxy_may_say_is_taken_from_nobody(folder: Path) -> None:
    """A stranger that could say whose certificate it showed would be whom it likes."""
    forged = [
        *("X-Client-Cert: evil", "X-SSL-Client-Cert: evil", "SSL-Client-Cert: evil"),
        *("X_Client_Cert: evil", "X-Forwarded-For: 192.0.2.66", "Forwarded: for=192.0.2.66"),
        *("X-Forwarded-Host: evil.example",),
    ]

    with echo(folder / "http.sock"), proxy(folder) as port:
        arrived = through(port, ["GET /v1/purposes HTTP/1.1", "Host: exchange.example", *forged])

    assert "GET /v1/purposes HTTP/1.1" in arrived
    assert "evil" not in arrived
    assert "192.0.2.66" not in arrived
    assert "X-Forwarded-For: 127.0.0.1" in arrived


@pytest.mark.parametrize(
    "target", ["/v1/queries?b=2&a=1", "/v1//queries", "/v1/a%2Fb", "/v1/a%2e%2e/b?x=%00", "/v1/%E4"]
)
def test_target_and_signature_arrive_untouched(folder: Path, target: str) -> None:
    """A byte that the proxy tidies up is a signature that no longer holds."""
    signed = [
        'Signature-Input: sig=("@method"  "@target-uri");created=1;tag="cx-1-request"',
        "Signature: sig=:AA==:",
        "Content-Digest: sha-256=:AA==:",
        "Cx-Request-Id: case-7",
    ]

    with echo(folder / "http.sock"), proxy(folder) as port:
        arrived = through(port, [f"GET {target} HTTP/1.1", "Host: exchange.example", *signed])

    assert f"GET {target} HTTP/1.1\r\n" in arrived
    assert all(f"{line}\r\n" in arrived for line in signed)


def test_what_shows_more_than_life_is_absent_from_outside(folder: Path) -> None:
    """Counters and the API's own page are the operator's."""
    with echo(folder / "http.sock"), proxy(folder) as port:
        told = [
            through(port, [f"GET {path} HTTP/1.1", "Host: exchange.example"]).split(" ")[1]
            for path in ("/readyz", "/metrics", "/openapi.json")
        ]

    assert ["404"] * 3 == told


def test_a_query_through_the_proxy_is_answered(folder: Path, database_url: str) -> None:
    """The whole way: TLS, proxy, unix socket, signature over the public address."""
    sandbox = make_sandbox(database_url, folder)
    key: KeyFile = sandbox.enrol("lender-a")
    pins: Pins = sandbox.pins()
    sandbox.close()
    values = {
        "DATABASE_URL": database_url,
        "DATA_DIR": str(folder),
        "SANDBOX": "true",
        "PUBLIC_BASE_URL": BASE,
        "LISTEN": f"unix:{folder}/http.sock",
        "WORKERS": "1",
    }
    environment = {f"EXCHANGE_{name}": value for name, value in values.items()}
    trusting = ssl.create_default_context(cafile=None)

    with served(folder, environment), proxy(folder) as port:
        trusting.load_verify_locations(folder / "fullchain.pem")
        trusting.check_hostname = False
        wire = httpx2.HTTPTransport(verify=trusting)
        at = f"https://127.0.0.1:{port}"
        with Exchange(key, pins, transport=wire, base_url=at) as exchange:
            answer = exchange.query(borrower(1), purpose="credit_application")

    assert isinstance(answer, Withheld)


@contextmanager
def served(folder: Path, environment: dict[str, str]) -> Iterator[None]:
    """Serve the exchange on its unix socket."""
    command = [sys.executable, "-m", "exchange.cli", "serve"]
    server = subprocess.Popen(command, env={"PATH": os.environ["PATH"], **environment})
    try:
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while not (folder / "http.sock").exists():
            assert server.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield
    finally:
        server.terminate()
        server.wait(WAIT_SECONDS_MAX)
