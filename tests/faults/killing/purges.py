"""Kill -9 the purge, or PostgreSQL under it: each record is untouched, or gone and certified.

The purge takes records in the order of their ids, so what went between two looks can be laid out
run by run, and the root that each certificate signs made anew from it.
"""

from __future__ import annotations

import json
import random
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path

from exchange.domain import merkle
from exchange.domain.base64url import b64url
from exchange.domain.life.purging import version_entry
from exchange_client.core.encoding import unb64url
from tests.faults.killing.files import FilesJudged, complete
from tests.faults.killing.house import PURGE_RECORDS_MAX, House, open_house

_PURGE_SECONDS_MAX = 120
_DUE_PER_ROUND = 4 * PURGE_RECORDS_MAX  # records: four turns, which a turn sees whole


@dataclass(slots=True, kw_only=True)
class PurgesJudged:
    """What a run of kills left behind."""

    seed: int
    kills: dict[str, int] = field(default_factory=lambda: {"purge": 0, "postgresql": 0})
    cut_short: int = 0  # kills that left some of the round's records untouched
    purged: int = 0  # records
    certificates: int = 0  # whose root was made anew and equals
    failures: list[str] = field(default_factory=list)
    verified: int = -1  # exit code of `exchange verify-run`
    report: str = ""
    seconds: float = 0.0

    @property
    def holds(self) -> bool:
        """Tell whether nothing went without a certificate, and nothing readable stayed."""
        return not self.failures and self.verified == 0


def kill_purges(rounds: int, *, seed: int, folder: Path) -> PurgesJudged:
    """Kill so many times while records past their time are removed."""
    began, judged = time.monotonic(), PurgesJudged(seed=seed)
    chance = random.Random(seed)  # noqa: S311 - moments, no secrets
    with open_house(folder) as house:
        rows = _DUE_PER_ROUND * (rounds + 1)
        book = house.member("member-a", rows)
        stored = FilesJudged(seed=seed, rows=rows)
        complete(house, house.queue(book, 1), stored, folder / "uploads.jsonl")
        judged.failures += stored.failures
        _make_due(house)
        seconds = _purged_until_done(house, judged)
        for _ in range(rounds):
            _make_due(house)
            _kill_once(house, judged, chance.uniform(0, seconds / 2), chance)
        _purged_until_done(house, judged)
        judged.failures += _left_of_it(house, rows)
        verified = house.verify_run()
    judged.verified, judged.report = verified.returncode, verified.stdout + verified.stderr
    judged.seconds = round(time.monotonic() - began, 1)
    return judged


def _make_due(house: House) -> None:
    """Let so many records be past their time, and no more."""
    house.sql(
        "UPDATE record SET purge_on = DATE '2020-01-01' WHERE record_id IN "
        "(SELECT record_id FROM record ORDER BY sha256(record_id::text::bytea) LIMIT %s)",
        _DUE_PER_ROUND,
    )


def _kill_once(house: House, judged: PurgesJudged, delay: float, chance: random.Random) -> None:
    before, runs = _versions(house), _runs(house)
    with house.job("purge") as purge:
        while not _begun(house, runs) and purge.poll() is None:
            time.sleep(0.005)
        time.sleep(delay)
        if chance.random() < 0.5:
            judged.kills["purge"] += 1
            purge.send_signal(signal.SIGKILL)
        else:
            judged.kills["postgresql"] += 1
            house.kill_database()
        purge.kill()
        purge.wait()
    house.sequence()  # Before it is judged: receipts promise a time, and judging takes its own.
    _judge(house, before, runs, judged)
    due = house.sql("SELECT count(*) FROM record WHERE purge_on = DATE '2020-01-01'")
    judged.cut_short += int(str(due[0][0])) > 0


def _begun(house: House, runs: list[tuple[object, ...]]) -> bool:
    """Tell whether the purge has its lock, or has ended a turn already."""
    locks = house.sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
    return int(str(locks[0][0])) > 0 or len(_runs(house)) > len(runs)


def _purged_until_done(house: House, judged: PurgesJudged) -> float:
    """Let a purge through; return the seconds from its first turn to its end."""
    before, runs = _versions(house), _runs(house)
    with house.job("purge") as purge:
        while not _begun(house, runs) and purge.poll() is None:
            time.sleep(0.005)
        began = time.monotonic()
        while (code := purge.poll()) is None and time.monotonic() - began < _PURGE_SECONDS_MAX:
            house.sequence()  # Beside it, as it is served: a long purge has many leaves.
            time.sleep(0.5)
    seconds = time.monotonic() - began
    house.sequence()
    if code != 0:
        judged.failures.append(f"a purge that nobody killed left with {code}")
    _judge(house, before, runs, judged)
    if house.sql("SELECT FROM record WHERE purge_on = DATE '2020-01-01'"):
        judged.failures.append("a purge that nobody killed left records")
    return seconds


def _judge(
    house: House,
    before: list[tuple[object, ...]],
    runs: list[tuple[object, ...]],
    judged: PurgesJudged,
) -> None:
    """Lay what went out over the certificates: all of it must be there, and nothing else."""
    left = set(_versions(house))
    gone = [one for one in before if one not in left]
    for versions, certificate in _runs(house)[len(runs) :]:
        turn, gone = gone[: int(str(versions))], gone[int(str(versions)) :]
        leaves = [merkle.leaf_hash(version_entry(one, two)) for one, two in turn]  # type: ignore[arg-type]  # rows of SQL
        claims = json.loads(unb64url(str(certificate).split(".")[1]))
        if claims["root"] != b64url(merkle.root(leaves)) or claims["keys"] != len(turn):
            judged.failures.append(f"{claims['run']} certifies something else than what went")
        judged.certificates += 1
        judged.purged += claims["records"]["RETENTION"]
    if gone:
        judged.failures.append(f"{len(gone)} versions went without a certificate")


def _versions(house: House) -> list[tuple[object, ...]]:
    return house.sql("SELECT DISTINCT record_id, version FROM record ORDER BY 1, 2")


def _runs(house: House) -> list[tuple[object, ...]]:
    return house.sql("SELECT versions, certificate FROM purge_run ORDER BY run_id")


def _left_of_it(house: House, rows: int) -> list[str]:
    """Name what is left of records that went: an account, or a count that does not add up."""
    orphans = house.sql(
        "SELECT count(*) FROM account a WHERE NOT EXISTS "
        "(SELECT FROM record r WHERE r.record_id = a.record_id)"
    )
    records = int(str(house.sql("SELECT count(*) FROM record")[0][0]))
    gone = int(str(house.sql("SELECT sum(records) FROM purge_run")[0][0]))
    found = [f"{orphans[0][0]} accounts of records that went"] if orphans != [(0,)] else []
    return found + ([f"{rows} rows, {records} left, {gone} gone"] if records + gone != rows else [])
