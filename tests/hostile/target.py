"""Send bytes to a server as they are, and signed requests with anything wrong in them.

`Target` names the routes and bodies that the corpus is tried on; another server is put in its
place by another `Target`.
"""

from __future__ import annotations

import json
import socket
import subprocess
import time
from dataclasses import dataclass, field, replace

from tests.support.edge_app import private_key
from tests.support.signed_requests import Draft, PrivateKey, signed_headers

REPLY_SECONDS_MAX = 60
START_SECONDS_MAX = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back, read as HTTP/1.1 by nobody's library."""

    status: int
    headers: dict[str, str]  # names in lower case
    body: bytes = field(repr=False)

    @property
    def code(self) -> str:
        """The code of the problem document, or "" where the server's parser answered."""
        if self.headers.get("content-type") != "application/problem+json":
            return ""
        return str(json.loads(self.body)["code"])

    @property
    def pointers(self) -> list[str]:
        """Where the problem document says the faults are."""
        return [one["pointer"] for one in json.loads(self.body).get("errors", [])]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One server, and the routes and bodies it takes."""

    base: str  # where to connect, and what signatures cover
    port: int
    json_path: str = "/v1/queries"
    other_path: str = "/v1/fast"
    lines_path: str = "/v1/batches"
    get_path: str = "/v1/faults/absent"
    integer_pointer: str = "/count"
    text_pointer: str = "/text"
    text_name: str = "text"
    integers_beyond: tuple[str, ...] = ("1001", "-1")

    def body(
        self, *, integer: str = "5", flag: str = "true", text: str = '"abc"', more: str = ""
    ) -> bytes:
        """Return a body whose parts are given as they are spelled in JSON."""
        members = f'"count":{integer},"flag":{flag},"text":{text}{more}'
        return f"{{{members}}}".encode("utf-8", "surrogatepass")

    def draft(
        self, method: str = "POST", path: str | None = None, body: bytes | None = None
    ) -> Draft:
        """Return a request that is right in every part."""
        if body is None:
            body = self.body() if method == "POST" else b""
        return Draft(
            method=method,
            target_uri=self.base + (self.json_path if path is None else path),
            created=int(time.time()),
            body=body,
            content_type="application/json" if body else None,
        )

    def send(
        self, draft: Draft, *, key: PrivateKey | None = None, headers: dict[str, str] | None = None
    ) -> Reply:
        """Sign and send; `headers` stand in place of the signed ones where given."""
        if headers is None:
            headers = signed_headers(draft, key or private_key(draft.keyid, draft.algorithm))
        lines = [f"{name}: {value}" for name, value in headers.items()]
        return self.send_lines(draft, lines)

    def send_lines(self, draft: Draft, lines: list[str], *, target: str | None = None) -> Reply:
        """Send these header lines, each as it is, with a right request line and length."""
        path = draft.target_uri.removeprefix(self.base) if target is None else target
        length = [f"Content-Length: {len(draft.body)}"] if draft.body else []
        head = [f"{draft.method} {path} HTTP/1.1", "Host: x", "Connection: close", *length, *lines]
        return self.send_bytes("\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + draft.body)

    def post(self, body: bytes) -> Reply:
        """Send a body under a right signature."""
        return self.send(self.draft(body=body))

    def changed(self, draft: Draft, **changes: str | None) -> Reply:
        """Sign a request, then replace or remove headers."""
        signed = signed_headers(draft, private_key(draft.keyid, draft.algorithm))
        headers: dict[str, str | None] = {**signed}
        headers |= {name.replace("_", "-"): value for name, value in changes.items()}
        return self.send(
            draft, headers={name: one for name, one in headers.items() if one is not None}
        )

    def send_bytes(self, raw: bytes) -> Reply:
        """Send raw bytes and read one response until the connection closes."""
        with socket.create_connection(("127.0.0.1", self.port), REPLY_SECONDS_MAX) as connection:
            connection.sendall(raw)
            received = b""
            while chunk := connection.recv(65536):
                received += chunk
        return _read(received)


def free_port() -> int:
    """Return a loopback port that nobody listens on."""
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        return int(chosen.getsockname()[1])


def wait_for_port(port: int, server: subprocess.Popen[bytes]) -> None:
    """Wait until a server listens."""
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise AssertionError(f"the server ended with {server.returncode}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("the server did not start")


def as_key(draft: Draft, keyid: str, algorithm: str = "ed25519") -> Draft:
    """Return the same request, to be signed by another key."""
    return replace(draft, keyid=keyid, algorithm=algorithm)


def _read(received: bytes) -> Reply:
    head, _, body = received.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
    return Reply(status=int(status.split(" ")[1]), headers=headers, body=body)
