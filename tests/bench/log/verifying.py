"""How fast a stranger verifies a whole log: `cx log verify` over a folder, on one core."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from exchange_client.log.policy import parse_policy
from exchange_client.log.sources import Folder
from exchange_client.log.verifying import verify_log
from tests.bench.report import Measure, measure
from tests.support.signed_log import SignedLog, entries, policy_text

ROUNDS = 3


def _ignore(count: int) -> None:
    """Show no progress."""


def measure_log_verify(leaves: int = 300_000) -> dict[str, Measure]:
    """Verify a log of so many entries: signatures, bundles, root, every tile."""
    policy = parse_policy(policy_text().encode())
    rates, paces = [], []
    with tempfile.TemporaryDirectory() as directory:
        folder = SignedLog(entries=entries(leaves)).write(Path(directory))
        for _ in range(ROUNDS):
            started, began = time.process_time(), time.perf_counter()
            found = verify_log(Folder(folder), policy, _ignore)
            size = found.witnessed.checkpoint.head.size
            rates.append(size / (time.process_time() - started))
            paces.append(size / (time.perf_counter() - began))
    return {
        "log_verify_entries_per_s": measure(paces, "1/s"),
        "log_verify_entries_per_cpu_s": measure(rates, "1/s of CPU"),
    }
