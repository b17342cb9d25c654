"""Witnesses in processes of their own, and the policy that asks for them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from socket import create_connection, socket

from exchange.crypto.note_keys import create_witness_key

READY_SECONDS_MAX = 60


@dataclass(slots=True, kw_only=True)
class WitnessProcess:
    """One witness, as `exchange witness serve` starts it."""

    name: str
    directory: Path
    port: int
    vkey: str
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where checkpoints are submitted."""
        return f"http://127.0.0.1:{self.port}"

    def start(self, policy: Path) -> None:
        """Start it, and wait until it listens."""
        command = [sys.executable, "-m", "exchange.cli", "witness", "serve", str(self.key)]
        command += ["--policy", str(policy), "--state", str(self.directory / "state")]
        self.process = subprocess.Popen([*command, "--listen", f"127.0.0.1:{self.port}"])
        deadline = time.monotonic() + READY_SECONDS_MAX
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"{self.url}/ready", timeout=READY_SECONDS_MAX)
            except urllib.error.HTTPError:
                return  # It answers: there is nothing at this path.
            except OSError:
                time.sleep(0.05)
        raise RuntimeError("the witness did not come up")

    def kill(self) -> None:
        """Kill it, as a power cut would."""
        if self.process is not None:
            os.kill(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None
            _await_closed(self.port)

    @property
    def key(self) -> Path:
        """Its key file."""
        return self.directory / "key.json"


@dataclass(slots=True, kw_only=True)
class WitnessSet:
    """Witnesses and the policy file that names them."""

    witnesses: list[WitnessProcess]
    policy: Path
    logs: list[str] = field(default_factory=list)  # vkeys

    def know(self, vkey: str, quorum: str = "all") -> None:
        """Write the policy: this log, and how many of the witnesses must cosign."""
        lines = [f"log {vkey}"]
        lines += [f"witness {one.name} {one.vkey} {one.url}" for one in self.witnesses]
        names = " ".join(one.name for one in self.witnesses)
        lines += [f"group q {quorum} {names}", "quorum q"]
        self.policy.write_text("\n".join(lines) + "\n")

    def text(self) -> str:
        """Return the policy."""
        return self.policy.read_text()

    def start(self) -> None:
        """Start all of them."""
        for one in self.witnesses:
            one.start(self.policy)


@contextmanager
def witness_set(directory: Path, count: int = 2) -> Iterator[WitnessSet]:
    """Yield witnesses that are not started yet; whatever runs at the end is killed."""
    made = []
    for number, port in enumerate(_free_ports(count), 1):
        name = f"w{number}"
        place = directory / name
        place.mkdir()
        vkey = create_witness_key(place / "key.json", f"{name}.example/witness")
        made.append(WitnessProcess(name=name, directory=place, port=port, vkey=vkey))
    found = WitnessSet(witnesses=made, policy=directory / "policy")
    try:
        yield found
    finally:
        for one in made:
            if one.process is not None:
                one.process.terminate()
                one.process.wait()


def _free_ports(count: int) -> list[int]:
    """Find ports that nobody listens on, all of them held until the last is found."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def _await_closed(port: int) -> None:
    """Wait until the workers of a killed master have noticed and left."""
    deadline = time.monotonic() + READY_SECONDS_MAX
    while time.monotonic() < deadline:
        try:
            create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            return
        time.sleep(0.05)
    raise RuntimeError("the witness did not go down")
