"""A whole look-up at the SDK: blind, evaluate, verify, ask, verify the receipt. Loopback."""

from __future__ import annotations

import sys
import time

from tests.bench.fixtures import ASKER, Stage
from tests.bench.report import Measure, measure, percentile
from tests.support.borrowers import borrower
from tests.support.registering import evaluate_all, register_all

ROUNDS = 5
LOOKUPS = 100  # a round
_WARM = 20


def measure_lookups(stage: Stage) -> dict[str, Measure]:
    """Ask about one new borrower after the other, each under a grant of its own."""
    p50s, p99s = [], []
    with stage.scene.exchange(ASKER) as exchange:
        subjects = [borrower(number) for number in range(ROUNDS * LOOKUPS + _WARM)]
        key = stage.scene.key(ASKER)
        tokens = evaluate_all(exchange, subjects)
        grants = register_all(exchange, key, "credit_application", tokens)

        def look_up(number: int) -> float:
            began = time.perf_counter()
            subject = subjects[number]
            exchange.query(subject, purpose="credit_application", grant=grants[subject])
            return time.perf_counter() - began

        for number in range(_WARM):
            look_up(ROUNDS * LOOKUPS + number)
        for start in range(0, ROUNDS * LOOKUPS, LOOKUPS):
            print(f"lookup: from {start}", file=sys.stderr, flush=True)
            took = [1e3 * look_up(number) for number in range(start, start + LOOKUPS)]
            p50s.append(percentile(took, 0.5))
            p99s.append(percentile(took, 0.99))
    return {"lookup_p50_ms": measure(p50s, "ms"), "lookup_p99_ms": measure(p99s, "ms")}
