"""The demo's stage: a throwaway sandbox, started as a newcomer would start it."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from exchange.store.embedded.server import attach
from exchange_client.client import Exchange
from exchange_client.keys import KeyFile
from exchange_client.pins import Pins
from exchange_client.signing import prove_possession

START_SECONDS_MAX = 60
LENDER = ("contributor", "asker")
CONTACT = ("--contact", "ops@member.example")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A running sandbox and what a member needs to use it."""

    base_url: str
    port: int
    members: Path  # folder of the members' key files
    pins: Pins

    def database_url(self) -> str:
        """Return the libpq URL of the sandbox's own PostgreSQL, for benchmarks alone."""
        server = attach(self.members.parent)
        if server is None:
            raise RuntimeError("the sandbox's PostgreSQL is not running")
        return server.url

    def key(self, member: str) -> KeyFile:
        """Load a member's key."""
        return KeyFile.load(self.members / f"{member}.key.json")

    def enrol(self, member: str, *roles: str) -> KeyFile:
        """Enrol one more member by the operator's own command, with a key made here."""
        key = KeyFile.generate(member)
        key.save(self.members / f"{member}.key.json")
        named = [part for role in roles or LENDER for part in ("--role", role)]
        self._operate("enrol", member, "--name", f"Synthetic {member}", *CONTACT, *named)
        public = base64.urlsafe_b64encode(key.public_key).rstrip(b"=").decode()
        # With `=`: a public half may begin with a dash.
        proof = base64.urlsafe_b64encode(prove_possession(self.pins.exchange, key)).rstrip(b"=")
        shown = (f"--public-key={public}", f"--proof={proof.decode()}")
        self._operate("key", "add", member, key.keyid.split("/")[1], *shown)
        return key

    def _operate(self, *arguments: str) -> None:
        environment = {
            **os.environ,
            "EXCHANGE_DATABASE_URL": self.database_url(),
            "EXCHANGE_DATA_DIR": str(self.members.parent),
            "EXCHANGE_SANDBOX": "true",
            "EXCHANGE_ONE_PERSON_SUFFICES": "true",
            "EXCHANGE_PUBLIC_BASE_URL": self.base_url,
        }
        command = [sys.executable, "-m", "exchange.cli", "member", *arguments]
        subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True, timeout=60)

    def exchange(self, member: str) -> Exchange:
        """Open the SDK for a member."""
        return Exchange(self.key(member), self.pins)


@contextmanager
def sandbox(settings: Mapping[str, str] = MappingProxyType({})) -> Iterator[Scene]:
    """Run `exchange up` in a directory of its own, and stop it at the end.

    Args:
        settings: of the server, by name without its prefix.
    """
    with tempfile.TemporaryDirectory(prefix="cx-demo-") as directory:
        Path(directory).chmod(0o711)  # PostgreSQL may run as another user
        port, data_dir = free_port(), Path(directory) / "sandbox"
        command = [sys.executable, "-m", "exchange.cli", "up"]
        command += ["--data-dir", str(data_dir), "--port", str(port)]
        quotas = {"QUERIES_PER_OPERATOR_HOUR": "100000", **settings}
        environment = os.environ | {f"EXCHANGE_{name}": value for name, value in quotas.items()}
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, start_new_session=True, env=environment
        )
        try:
            base_url = f"http://127.0.0.1:{port}"
            description = _await_description(base_url, process)
            yield Scene(
                base_url=base_url,
                port=port,
                members=data_dir / "members",
                pins=Pins.trust(description),
            )
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(START_SECONDS_MAX)


def _await_description(base_url: str, process: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline and process.poll() is None:
        try:
            url = f"{base_url}/.well-known/cx-exchange"
            with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310 - loopback http
                return str(json.load(response)["description"])
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("the sandbox did not come up")


def free_port() -> int:
    """Return a loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
