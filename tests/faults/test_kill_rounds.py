"""An answer, its receipt and its proof survive kill -9 of any process, at any moment."""

from __future__ import annotations

import random
from pathlib import Path

from tests.faults.__main__ import CI
from tests.faults.killing.rounds import run_rounds, told

ROUNDS_MIN = 20


def test_what_was_answered_survives_the_death_of_any_process(tmp_path: Path) -> None:
    """A lender that paid out on an answer must find it in the log, whatever crashed meanwhile."""
    seed = random.SystemRandom().randrange(1 << 31)
    assert sum(CI.values()) >= ROUNDS_MIN

    judged = run_rounds(CI, seed=seed, folder=tmp_path)

    assert [] == list(judged.failures), told(judged)
    assert 0 == judged.verified, told(judged)
    assert judged.answers >= ROUNDS_MIN, told(judged)
    assert judged.batches > 0, told(judged)
