"""Tokens evaluated and proven on one core, beside the bare library, at 32 elements a proof."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

from voprf import ristretto

from exchange.crypto.oprf import Evaluator
from exchange_client.oprf import blind
from tests.bench.report import Measure, measure

ROUNDS = 7
BATCH = 32
EPOCH = "ep_1"


def measure_tokens(seconds: int) -> dict[str, Measure]:
    """Let both evaluate the same elements by turns: ours from bytes to bytes, with its checks."""
    seed = secrets.token_bytes(32)
    elements = blind([b"cx/subject/v1\nric\nCN\n%d" % n for n in range(BATCH)]).elements
    evaluator = Evaluator.from_seed(seed, EPOCH)
    library = ristretto.Evaluator.from_seed(seed, f"cx/oprf/v1/{EPOCH}".encode())
    parsed = [ristretto.BlindedInput.deserialize(element) for element in elements]
    budget = seconds / 2
    ours, bare = [], []
    for _ in range(ROUNDS):
        ours.append(_rate(lambda: evaluator.evaluate(elements), budget))
        bare.append(_rate(lambda: library.evaluate_batch(parsed), budget))
    return {
        "tokens_per_library": measure([a / b for a, b in zip(ours, bare, strict=True)], "ratio"),
        "tokens_per_s": measure(ours, "1/s of CPU"),
        "library_tokens_per_s": measure(bare, "1/s of CPU"),
    }


def _rate(evaluate: Callable[[], object], seconds: float) -> float:
    """Return elements a second of this process's own CPU."""
    count, cpu, ends = 0, time.process_time(), time.perf_counter() + seconds
    while time.perf_counter() < ends:
        evaluate()
        count += BATCH
    return count / (time.process_time() - cpu)
