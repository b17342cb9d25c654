"""The fault rounds beyond what every run of the tests does.

    .venv/bin/python -m tests.faults                 the rounds of the tests, once more
    .venv/bin/python -m tests.faults --full          all of P2 to P4, files and purges
    .venv/bin/python -m tests.faults --only files --full     50 kills over files of 200,000 rows
    .venv/bin/python -m tests.faults --only files --rounds 20 --rows 50000
    .venv/bin/python -m tests.faults --seed 7        the same victims at the same moments

Prints one JSON object; leaves with 0 only if nothing was lost.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import random
import sys
import tempfile
from pathlib import Path

from tests.faults.killing.files import kill_files
from tests.faults.killing.purges import kill_purges
from tests.faults.killing.rounds import run_rounds
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
CI_FILES, FULL_FILES = (6, 2_000), (50, 200_000)  # kills, rows a file
CI_PURGES, FULL_PURGES = 4, 50  # kills
KINDS = ("queries", "files", "purges")


def main() -> None:
    """Run the rounds and say what was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--full", action="store_true", help="every round of security.md, 6")
    parser.add_argument("--only", choices=KINDS, action="append", help="may stand repeatedly")
    parser.add_argument("--rounds", type=int, help="kills of files or purges")
    parser.add_argument("--rows", type=int, help="of a file")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31))
    options = parser.parse_args()
    done: dict[str, object] = {}
    holds = True
    for kind in options.only or KINDS:
        with tempfile.TemporaryDirectory(prefix="cx-faults-") as folder:
            judged, held = _run(kind, options, Path(folder))
        done[kind], holds = judged, holds and held
    print(json.dumps(done, indent=1))
    sys.exit(0 if holds else 1)


def _run(kind: str, options: argparse.Namespace, folder: Path) -> tuple[dict[str, object], bool]:
    if kind == "files":
        rounds, rows = FULL_FILES if options.full else CI_FILES
        rounds, rows = options.rounds or rounds, options.rows or rows
        files = kill_files(rounds, rows, seed=options.seed, folder=folder)
        return dataclasses.asdict(files), files.holds
    if kind == "purges":
        rounds = options.rounds or (FULL_PURGES if options.full else CI_PURGES)
        purges = kill_purges(rounds, seed=options.seed, folder=folder)
        return dataclasses.asdict(purges), purges.holds
    queries = run_rounds(FULL if options.full else CI, seed=options.seed, folder=folder)
    told = {name: getattr(queries, name) for name in queries.__slots__}
    return told, not (queries.failures or queries.verified)


if __name__ == "__main__":
    main()
