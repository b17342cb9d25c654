"""Kill -9 a worker, or PostgreSQL under it, at random points of a file; it is whole or absent.

Each try is the retry of the one before it. What was killed must have left the file whole or absent;
every few kills one try is let through, and the next file begins. At the end `exchange verify-run`
must find nothing, the receipts that the member holds beside it.
"""

from __future__ import annotations

import json
import random
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.killing.house import House, open_house

KILLS_A_FILE = 10
_ENDS = {"DONE", "REJECTED"}
_UNDER_WAY = {"CHECKING", "MERGING"}
_COUNTED = {
    **{name: name for name in ("record", "account", "batch_fault")},
    # A flag is no file's: the worker raises one where this judge signed late.
    "leaf": "leaf WHERE leaf_hash NOT IN (SELECT leaf_hash FROM flag)",
}


@dataclass(slots=True, kw_only=True)
class FilesJudged:
    """What a run of kills left behind."""

    seed: int
    rows: int
    kills: dict[str, int] = field(default_factory=lambda: {"worker": 0, "postgresql": 0})
    found: dict[str, int] = field(default_factory=lambda: {"absent": 0, "whole": 0})
    states: dict[str, int] = field(default_factory=dict)  # of the file when it was killed
    completed: int = 0  # files that a retry ended
    failures: list[str] = field(default_factory=list)
    verified: int = -1  # exit code of `exchange verify-run`
    report: str = ""
    seconds: float = 0.0

    @property
    def holds(self) -> bool:
        """Tell whether nothing was lost, doubled or left half."""
        return not self.failures and self.verified == 0


def kill_files(rounds: int, rows: int, *, seed: int, folder: Path) -> FilesJudged:
    """Kill so many times while files of so many rows are worked off."""
    began, judged = time.monotonic(), FilesJudged(seed=seed, rows=rows)
    chance = random.Random(seed)  # noqa: S311 - moments, no secrets
    ledger = folder / "uploads.jsonl"
    with open_house(folder) as house:
        first = house.member("member-0", rows)
        seconds = complete(house, house.queue(first, 1), judged, ledger)
        left, number = rounds, 1
        while left > 0:
            book = house.member(f"member-{number}", rows)
            kills = min(left, KILLS_A_FILE)
            digest = house.queue(book, 1)
            for _ in range(kills):
                if house.state(digest) in _ENDS:  # It was killed behind its commit.
                    digest = house.queue(book, judged.found["whole"] + 1)
                _kill_once(house, digest, rows, judged, chance.uniform(0, seconds), chance)
            seconds = min(seconds, complete(house, digest, judged, ledger))
            left, number = left - kills, number + 1
        verified = house.verify_run(ledger)
    judged.verified, judged.report = verified.returncode, verified.stdout + verified.stderr
    judged.seconds = round(time.monotonic() - began, 1)
    return judged


def _kill_once(
    house: House,
    digest: bytes,
    rows: int,
    judged: FilesJudged,
    delay: float,
    chance: random.Random,
) -> None:
    before, member = house.counts(_COUNTED), _member(house, digest)
    stored = _stored(house, member)
    with house.job("work") as worker:
        house.await_state(digest, _UNDER_WAY | _ENDS, worker)
        house.rest(delay)
        state = house.state(digest)
        judged.states[state] = judged.states.get(state, 0) + 1
        if chance.random() < 0.5:
            judged.kills["worker"] += 1
            worker.send_signal(signal.SIGKILL)
        else:
            judged.kills["postgresql"] += 1
            house.kill_database()
        worker.kill()
        worker.wait()
    whole = house.state(digest) in _ENDS
    judged.found["whole" if whole else "absent"] += 1
    after = house.counts(_COUNTED)
    if whole and (_stored(house, member), after["leaf"]) != (rows, before["leaf"] + 1):
        judged.failures.append(f"whole, but not all of it: {before} -> {after}")
    if not whole and (after != before or _stored(house, member) != stored):
        judged.failures.append(f"absent, but something of it is there: {before} -> {after}")
    house.sequence()


def complete(house: House, digest: bytes, judged: FilesJudged, ledger: Path) -> float:
    """Let a file through; return the seconds from its first row to its end."""
    with house.job("work") as worker:
        house.await_state(digest, _UNDER_WAY | _ENDS, worker)
        began = time.monotonic()
        state = house.await_state(digest, _ENDS, worker)
    seconds = time.monotonic() - began
    house.sequence()
    member = _member(house, digest)
    if (state, _stored(house, member)) != ("DONE", judged.rows):
        judged.failures.append(f"a retry ended {state} with {_stored(house, member)} rows")
    judged.completed += 1
    sql = "SELECT batch_id::text, receipt FROM batch WHERE digest = %s"
    batch, receipt = house.sql(sql, digest)[0]
    line = {"what": "batch", "member": member, "id": f"bat_{str(batch).replace('-', '')}"}
    with ledger.open("a") as opened:
        opened.write(json.dumps(line | {"receipt": receipt}) + "\n")
    return seconds


def _member(house: House, digest: bytes) -> str:
    return str(house.sql("SELECT member_id FROM batch WHERE digest = %s", digest)[0][0])


def _stored(house: House, member: str) -> int:
    """Count a member's versions; that it has as many accounts is the other half of whole."""
    sql = """SELECT (SELECT count(*) FROM record WHERE member_id = %s),
        (SELECT count(*) FROM account WHERE member_id = %s)"""
    versions, accounts = house.sql(sql, member, member)[0]
    return int(str(versions)) if versions == accounts else -1
