"""What the check of a grant costs a query: asked with a grant, and without one, in turns.

Nobody reports the subjects asked about. With a grant its row is locked, judged, counted up, and
records are looked for; without one nothing of that happens. So the share is a bound from above.
"""

from __future__ import annotations

import sys

from exchange.crypto.keyring import load_keyring
from tests.bench import stock
from tests.bench.fixtures import ASKER, Stage
from tests.bench.load import drive
from tests.bench.processes import cpu_seconds
from tests.bench.report import Measure, measure
from tests.bench.wishes import Wishes

ROUNDS = 9
CONNECTIONS = 8
SUBJECTS = 5_000
_WARM = 300


def measure_grant_check(stage: Stage, seconds: int) -> dict[str, Measure]:
    """Measure the share of a query's throughput that the check of its grant takes."""
    keyring = load_keyring(stage.scene.members.parent / "keyring.json")
    subjects = stock.tokens(SUBJECTS)
    grants = stock.load_grants(stage.scene.database_url(), keyring, subjects, member=ASKER)
    asked = {
        "granted": Wishes(stage.scene, ASKER, list(zip(subjects, grants, strict=True))),
        "bare": Wishes(stage.scene, ASKER, [(token, None) for token in subjects]),
    }
    warm = drive(stage.scene.port, asked["granted"].singles(_WARM), connections=CONNECTIONS)
    count = max(_WARM, int(warm.rate * seconds))
    rates: dict[str, list[float]] = {name: [] for name in asked}
    cost: dict[str, list[float]] = {name: [] for name in asked}  # CPU seconds a query
    for number in range(ROUNDS):
        print(f"grant-check: round {number + 1} of {ROUNDS}", file=sys.stderr, flush=True)
        for name, wishes in sorted(asked.items(), reverse=bool(number % 2)):
            requests, before = wishes.singles(count), _cpu(stage)
            load = drive(stage.scene.port, requests, connections=CONNECTIONS)
            rates[name].append(load.rate)
            cost[name].append((_cpu(stage) - before) / count)
    pairs = zip(rates["granted"], rates["bare"], strict=True)
    costs = zip(cost["granted"], cost["bare"], strict=True)
    return {
        "grant_check_share": measure([1 - granted / bare for granted, bare in pairs], "share"),
        "grant_check_cpu_share": measure([1 - bare / granted for granted, bare in costs], "share"),
        "granted_queries_per_s": measure(rates["granted"], "1/s"),
        "bare_queries_per_s": measure(rates["bare"], "1/s"),
    }


def _cpu(stage: Stage) -> float:
    """Return the CPU seconds that the server and its PostgreSQL have used."""
    return cpu_seconds(stage.web()) + cpu_seconds(stage.postgres())
