"""SIGTERM under load: what was begun is answered, and nothing is cut (P3)."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from socket import socket
from threading import Thread

from exchange_client.keys import KeyFile
from tests.support.sandbox import make_sandbox
from tests.support.signed_requests import Draft, signed_headers

LANES = 8
READY_SECONDS_MAX = 60
PATH = "/v1/purposes"


@dataclass(slots=True)
class Lane:
    """One connection that is kept, as a proxy keeps it, until it is told to close it."""

    port: int
    base: str
    key: KeyFile
    answered: int = 0
    cut: list[str] = field(default_factory=list)  # requests that were sent and got no answer
    told_to_close: bool = False

    def run(self) -> None:
        """Ask until told to close."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            while not self.told_to_close and not self.cut:
                self._ask(connection)

    def _ask(self, connection: http.client.HTTPConnection) -> None:
        draft = Draft(
            method="GET",
            target_uri=self.base + PATH,
            created=int(time.time()),
            keyid=self.key.keyid,
        )
        try:
            connection.request("GET", PATH, headers=signed_headers(draft, self.key.private))
            response = connection.getresponse()
            response.read()
        except (OSError, http.client.HTTPException) as error:
            self.cut.append(f"{type(error).__name__} after {self.answered}")
            return
        if response.status != 200:
            self.cut.append(f"HTTP {response.status} after {self.answered}")
        self.answered += 1
        self.told_to_close = response.will_close


def test_p3_sigterm_under_load_drains_with_no_failure(database_url: str, tmp_path: Path) -> None:
    """Every new version is deployed in the middle of somebody's question."""
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    sandbox = make_sandbox(database_url, tmp_path)
    base, key = sandbox.settings.public_base_url, sandbox.enrol("lender-a")
    sandbox.close()
    env = {
        "PATH": os.environ["PATH"],
        "EXCHANGE_DATABASE_URL": database_url,
        "EXCHANGE_DATA_DIR": str(tmp_path),
        "EXCHANGE_SANDBOX": "true",
        "EXCHANGE_PUBLIC_BASE_URL": base,
        "EXCHANGE_LISTEN": f"127.0.0.1:{port}",
        "EXCHANGE_WORKERS": "2",
    }
    lanes = [Lane(port=port, base=base, key=key) for _ in range(LANES)]
    threads = [Thread(target=lane.run) for lane in lanes]
    server = subprocess.Popen([sys.executable, "-m", "exchange.cli", "serve"], env=env)
    try:
        wait_for(port, server)
        for thread in threads:
            thread.start()
        while min(lane.answered for lane in lanes) < 5 and server.poll() is None:
            time.sleep(0.02)

        server.send_signal(signal.SIGTERM)
        await_refusal(port)
        code = server.wait(READY_SECONDS_MAX)
    finally:
        server.kill()
        for thread in threads:
            thread.join(READY_SECONDS_MAX)

    assert [] == [cut for lane in lanes for cut in lane.cut]
    assert 0 == code
    assert all(lane.told_to_close for lane in lanes)


def await_refusal(port: int) -> None:
    """Wait until nobody is let in any more: whoever comes now goes to another host at once."""
    deadline = time.monotonic() + READY_SECONDS_MAX
    while time.monotonic() < deadline:
        with socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return
        time.sleep(0.01)
    raise AssertionError("a server that stops still lets clients in")


def wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    """Wait until somebody listens."""
    deadline = time.monotonic() + READY_SECONDS_MAX
    while time.monotonic() < deadline and server.poll() is None:
        with socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("the server did not come up")
