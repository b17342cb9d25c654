"""Kill something, wait until the service answers again, and so on; then let the judge look.

One seed decides victims and delays; a round that broke something is repeated by its seed.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.demo.scene import Scene, sandbox
from tests.faults.killing.clients import GIVE_UP_SECONDS, Client, Ledger
from tests.faults.killing.victims import Victim, kill

DELAY_SECONDS_MAX = 0.2
WARM_ANSWERS = 3  # of each client, before the first kill
LENDERS = ("lender-a", "lender-b", "lender-c")
QUOTAS = {"QUERIES_PER_OPERATOR_HOUR": "1000000"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What a run of rounds left behind."""

    seed: int
    kills: Mapping[str, int]
    answers: int
    interrupted: int  # answers that needed more than one try
    batches: int
    back_seconds_max: Mapping[str, float]  # until every client was answered again
    failures: Sequence[str]  # of the clients
    verified: int  # exit code of `exchange verify-run`
    report: str  # what it said


def run_rounds(rounds: Mapping[Victim, int], *, seed: int, folder: Path) -> Judged:
    """Run so many rounds of each kind in random order, on a sandbox of its own."""
    chance = random.Random(seed)  # noqa: S311 - to repeat a run, not to keep a secret
    order = [victim for victim, times in rounds.items() for _ in range(times)]
    chance.shuffle(order)
    with sandbox(QUOTAS) as scene:
        clients = [_client(scene, member, folder, n) for n, member in enumerate(LENDERS)]
        for client in clients:
            client.start()
        _await_answers(clients, WARM_ANSWERS)
        back: dict[str, float] = {}
        for victim in order:
            seconds = _round(victim, clients, scene, chance)
            back[victim] = max(back.get(victim, 0.0), round(seconds, 2))
        for client in clients:
            client.finish()
        for client in clients:
            client.settle()
        verified = verify(scene, [folder / f"{member}.jsonl" for member in LENDERS])
    return Judged(
        seed=seed,
        kills={victim.value: times for victim, times in rounds.items()},
        answers=sum(client.done.answers for client in clients),
        interrupted=sum(len(client.done.interrupted) for client in clients),
        batches=sum(client.done.batches for client in clients),
        back_seconds_max=back,
        failures=[one for client in clients for one in client.done.failures],
        verified=verified.returncode,
        report=verified.stdout + verified.stderr,
    )


def verify(scene: Scene, ledgers: Sequence[Path]) -> subprocess.CompletedProcess[str]:
    """Run `exchange verify-run` on a sandbox that still serves."""
    environment = {
        **os.environ,
        "EXCHANGE_DATABASE_URL": scene.database_url(),
        "EXCHANGE_DATA_DIR": str(scene.members.parent),
        "EXCHANGE_SANDBOX": "true",
    }
    named = [part for path in ledgers for part in ("--ledger", str(path))]
    command = [sys.executable, "-m", "exchange.cli", "verify-run", *named]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=300
    )


def told(judged: Judged) -> str:
    """Write what was found as one JSON object."""
    return json.dumps({name: getattr(judged, name) for name in judged.__slots__}, indent=1)


def _client(scene: Scene, member: str, folder: Path, number: int) -> Client:
    ledger = Ledger(folder / f"{member}.jsonl", member)
    return Client(scene.key(member), scene.pins, ledger, first_borrower=1 + 100_000 * number)


def _round(victim: Victim, clients: Sequence[Client], scene: Scene, chance: random.Random) -> float:
    """Kill once, at a random moment; return the seconds until every client was answered again."""
    time.sleep(chance.uniform(0, DELAY_SECONDS_MAX))
    while kill(victim, scene.members.parent, chance) is None:
        time.sleep(0.05)
    killed_at = time.monotonic()
    _await_answers(clients, 1)
    return time.monotonic() - killed_at


def _await_answers(clients: Sequence[Client], more: int) -> None:
    """Wait until each client has so many more answers, or has failed."""
    wanted = {client.name: client.done.answers + more for client in clients}
    gives_up = time.monotonic() + 2 * GIVE_UP_SECONDS
    while any(
        client.is_alive() and client.done.answers < wanted[client.name] for client in clients
    ):
        if time.monotonic() > gives_up:
            raise TimeoutError("the service did not come back")
        time.sleep(0.02)
