"""How long a newcomer waits: the demo, the first start, and a start on an existing directory."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from tests.bench.processes import memory_watched
from tests.bench.report import Measure, figure, measure
from tests.demo.scene import free_port

ROUNDS = 5
_SECONDS_MAX = 180


def measure_demo() -> dict[str, Measure]:
    """Run `make demo`'s own command, and watch everything that it starts."""
    with tempfile.TemporaryDirectory(prefix="cx-bench-") as directory:
        Path(directory).chmod(0o711)  # PostgreSQL may run as another user
        command = [sys.executable, "-m", "tests.demo", "--json"]
        began = time.monotonic()
        process = subprocess.Popen(
            command,
            env={**os.environ, "TMPDIR": directory},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        with memory_watched(process.pid, Path(directory)) as peak:
            output, _ = process.communicate(timeout=_SECONDS_MAX)
        seconds = time.monotonic() - began
    if process.returncode:
        raise RuntimeError("the demo failed")
    reported = json.loads(output)["reported"]
    return {
        "demo_seconds": figure(seconds, "s"),
        "demo_peak_mib": figure(peak.mib, "MiB"),
        "demo_records": figure(sum(reported.values()), "records"),
    }


def measure_starts() -> dict[str, Measure]:
    """Start `exchange up` on fresh directories, then each again on what it left."""
    first, again = [], []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory(prefix="cx-bench-") as directory:
            Path(directory).chmod(0o711)
            data_dir = Path(directory) / "sandbox"
            first.append(_start_and_stop(data_dir))
            again.append(_start_and_stop(data_dir))
    return {"first_start_seconds": measure(first, "s"), "start_seconds": measure(again, "s")}


def _start_and_stop(data_dir: Path) -> float:
    """Return the seconds until the first answer."""
    port = free_port()
    command = [sys.executable, "-m", "exchange.cli", "up", "--data-dir", str(data_dir)]
    began = time.monotonic()
    process = subprocess.Popen([*command, "--port", str(port)], stdout=subprocess.DEVNULL)
    try:
        _await(f"http://127.0.0.1:{port}/healthz", process)
        return time.monotonic() - began
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(_SECONDS_MAX)


def _await(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _SECONDS_MAX
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - loopback http
                return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError("exchange up did not come up")
