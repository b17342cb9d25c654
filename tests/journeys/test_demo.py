"""The demo, small: what a newcomer is shown is what the system did."""

from __future__ import annotations

import json
import subprocess

from tests.demo.__main__ import arguments

BORROWERS = 60
ACCOUNTS = 75  # every fourth borrower owes at two lenders


def test_the_demo_shows_every_outcome_and_a_proof() -> None:
    """The first thing a newcomer runs must work, and must not be a stage set."""
    command = arguments(["--borrowers", str(BORROWERS), "--json"])

    done = subprocess.run(command, capture_output=True, check=True, timeout=120)

    facts = json.loads(done.stdout)
    expected = {
        "on time": "NO_ADVERSE",
        "45 days late": "ADVERSE",
        "130 days late": "ADVERSE",
        "cured": "ADVERSE",
        "paused": "NO_ADVERSE",
        "unknown": "NO_DATA",
        "no consent": "WITHHELD",
    }
    assert expected == facts["outcomes"]
    assert ACCOUNTS == sum(facts["reported"].values())
    assert facts["leaf_index"] < facts["log_size"]
