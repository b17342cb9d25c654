"""A thousand races about one grant, over HTTP, on two workers and a database of their own."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from exchange.store.embedded.server import Launch, start
from tests.bench.report import Measure, share
from tests.support import postgres
from tests.support.grant_desk import GrantDesk
from tests.support.grant_races import RACERS, race_uses, race_withdrawal
from tests.support.sandbox import Sandbox, make_sandbox

ROUNDS = 1_000
SECONDS_MAX = 900  # of each kind of race
# A race is no member's day.
QUOTAS = (
    "queries_per_day",
    "new_member_queries_per_day",
    "queries_per_operator_hour",
    "queries_per_subject_day",
)
SEQUENCED_EACH = 25  # rounds: a log that is late stops questions


def measure_races() -> dict[str, Measure]:
    """Race withdrawals against questions, and eight questions for one look."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o711)
        server = start(Launch(data_dir=folder / "d", sandbox=True, durable=False))
        try:
            postgres.lay_out(server.url)
            return _races(server.url, folder)
        finally:
            server.stop()


def _races(url: str, folder: Path) -> dict[str, Measure]:
    quotas = dict.fromkeys(QUOTAS, 10 * RACERS * ROUNDS)
    sandbox, second = (make_sandbox(url, folder, **quotas) for _ in range(2))
    key = sandbox.enrol("member-a")
    here, elsewhere = (GrantDesk(sandbox=one, key=key) for one in (sandbox, second))
    outcomes = Counter(
        race_withdrawal(here, elsewhere, subject) for subject in _rounds(sandbox, start=0)
    )
    once = [race_uses([here, elsewhere], subject) for subject in _rounds(sandbox, start=ROUNDS)]
    sandbox.close()
    second.close()
    total = sum(outcomes.values())
    return {
        "withdrawal_races_consistent": share(outcomes["permitted"] + outcomes["withdrawn"], total),
        "withdrawal_races_query_first": share(outcomes["permitted"], total),
        "once_grant_spent_once": share(sum(once), len(once)),
    }


def _rounds(sandbox: Sandbox, *, start: int) -> Iterator[int]:
    """Yield a subject for each round, as long as there is time; keep the log in step."""
    deadline = time.monotonic() + SECONDS_MAX
    for subject in range(start, start + ROUNDS):
        if time.monotonic() > deadline:
            return
        if subject % SEQUENCED_EACH == 0:
            sandbox.sequence()
        yield subject
