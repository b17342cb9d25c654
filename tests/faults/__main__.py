"""The fault rounds beyond what every run of the tests does.

    .venv/bin/python -m tests.faults            the rounds of the tests, once more
    .venv/bin/python -m tests.faults --full     all of security.md, 6: P2, P3, P4
    .venv/bin/python -m tests.faults --seed 7   the same victims at the same moments

Prints one JSON object; leaves with 0 only if nothing was lost.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path

from tests.faults.killing.rounds import run_rounds, told
from tests.faults.killing.victims import Victim

CI = {
    Victim.WORKER: 9,
    Victim.MASTER: 3,
    Victim.POSTMASTER: 3,
    Victim.BACKEND: 2,
    Victim.SEQUENCER: 3,
}
FULL = {
    Victim.WORKER: 200,
    Victim.MASTER: 30,
    Victim.POSTMASTER: 60,
    Victim.BACKEND: 40,
    Victim.SEQUENCER: 20,
}


def main() -> None:
    """Run the rounds and say what was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--full", action="store_true", help="every round of security.md, 6")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cx-faults-") as folder:
        judged = run_rounds(FULL if options.full else CI, seed=options.seed, folder=Path(folder))
    print(told(judged))
    sys.exit(1 if judged.failures or judged.verified else 0)


if __name__ == "__main__":
    main()
