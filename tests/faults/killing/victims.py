"""Which process is killed: found by what it is, never by a pattern that could match a stranger."""

from __future__ import annotations

import os
import random
import signal
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

import psutil  # type: ignore[import-untyped]  # it ships no types

from exchange.store.embedded.server import attach
from tests.bench.processes import started_as

Process: TypeAlias = psutil.Process


class Victim(StrEnum):
    """What is killed in a round (security.md, 6: P2 to P4, P11)."""

    WORKER = "a server process"
    MASTER = "the server's master"
    POSTMASTER = "PostgreSQL"
    BACKEND = "one session of PostgreSQL"
    SEQUENCER = "the sequencer"


def kill(victim: Victim, data_dir: Path, chance: random.Random) -> int | None:
    """Send SIGKILL; return the process id, or None where nothing of the kind runs just now."""
    found = sorted(_pids(victim, data_dir))
    if not found:
        return None
    pid = chance.choice(found)
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return None
    return pid


def _pids(victim: Victim, data_dir: Path) -> list[int]:
    if victim is Victim.SEQUENCER:
        return [one.pid for one in started_as("cx-sequence")]
    if victim in {Victim.WORKER, Victim.MASTER}:
        everyone = {one.pid: one for one in started_as("gunicorn")}
        masters = {pid for pid, one in everyone.items() if one.ppid() not in everyone}
        return sorted(masters if victim is Victim.MASTER else everyone.keys() - masters)
    server = attach(data_dir)
    if server is None:
        return []
    return [server.pid] if victim is Victim.POSTMASTER else _sessions(server.pid)


def _sessions(postmaster: int) -> list[int]:
    """Return the processes that serve our sessions: their titles say which role they serve."""
    children = psutil.Process(postmaster).children()
    return [one.pid for one in children if " exchange " in f"{' '.join(one.cmdline())} "]
