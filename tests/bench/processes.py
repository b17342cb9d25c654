"""CPU and memory of the processes under test, from their own accounting."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import TypeAlias

import psutil  # type: ignore[import-untyped]  # it ships no types

SAMPLE_SECONDS = 0.1
Process: TypeAlias = psutil.Process


@dataclass(slots=True)
class Peak:
    """The most memory that processes held at once."""

    mib: float = 0.0


def below(pid: int) -> list[Process]:
    """Return a process and everything that it started, and so on."""
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def postgres_in(directory: Path) -> list[Process]:
    """Return the PostgreSQL that runs on a directory: it leaves the tree of whoever started it."""
    found: list[Process] = []
    for process in psutil.process_iter(["cmdline"]):
        command = process.info["cmdline"] or []
        if "-D" in command and any(str(directory) in part for part in command):
            found += below(process.pid)
    return found


def started_as(word: str) -> list[Process]:
    """Return those of the processes started from here whose command line or name holds a word."""
    found = []
    for process in below(os.getpid()):
        try:
            if word in " ".join([*process.cmdline(), process.name()]):
                found.append(process)
        except psutil.NoSuchProcess:  # A zombie is one as well.
            continue
    return found


def cpu_seconds(processes: list[Process]) -> float:
    """Sum user and system time of processes that run."""
    total = 0.0
    for process in processes:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


def cpu_by_process(processes: list[Process]) -> dict[int, float]:
    """Return the CPU seconds of each process that runs, by its id."""
    return {process.pid: cpu_seconds([process]) for process in processes}


def cpu_since(before: dict[int, float], processes: list[Process]) -> float:
    """Sum what processes spent since then; those that have ended meanwhile are not counted."""
    now = cpu_by_process(processes)
    return sum(spent - before.get(pid, 0.0) for pid, spent in now.items())


@contextmanager
def memory_watched(pid: int, directory: Path) -> Iterator[Peak]:
    """Sample what a process, all that it started and its PostgreSQL hold; shared pages by share."""
    peak, stop = Peak(), Event()

    def sample() -> None:
        while not stop.wait(SAMPLE_SECONDS):
            everyone = {one.pid: one for one in below(pid) + postgres_in(directory)}
            peak.mib = max(peak.mib, sum(_mib(one) for one in everyone.values()))

    thread = Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        stop.set()
        thread.join()


def _mib(process: Process) -> float:
    try:
        return float(process.memory_full_info().pss) / (1 << 20)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0.0
