"""The demo, small: what a newcomer is shown is what the system did."""

from __future__ import annotations

import json
import subprocess

from tests.demo.__main__ import arguments


def test_the_demo_shows_every_outcome_and_a_proof() -> None:
    """The first thing a newcomer runs must work, and must not be a stage set."""
    command = arguments(["--borrowers", "30", "--json"])

    done = subprocess.run(command, capture_output=True, check=True, timeout=120)

    facts = json.loads(done.stdout)
    outcomes = {"ADVERSE", "NO_ADVERSE", "NO_DATA", "WITHHELD"}
    assert {outcome: outcome for outcome in outcomes} == facts["outcomes"]
    assert 38 == sum(facts["reported"].values())
    assert facts["leaf_index"] < facts["log_size"]
