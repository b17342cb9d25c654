"""Keep each server process on a core of its own.

A process runs one thread at a time, whichever holds the interpreter's lock. Left alone, its threads
spread over the cores, and at each hand-over the next one starts on another core with cold caches:
that cost a tenth of a query's CPU, and at saturation a third of the throughput. What else runs on
the machine stays free to go where there is room.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence


def usable_cores() -> list[int]:
    """Return the cores that this process may run on; none where the system does not say."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def least_taken(cores: Sequence[int], taken: Iterable[int]) -> int:
    """Choose the core on which the fewest processes stay, the first of several.

    Args:
        cores: one or more.
        taken: the core of each process that runs already.
    """
    counts = Counter(taken)
    return min(cores, key=counts.__getitem__)


def stay_on(core: int) -> None:
    """Keep this process, and every thread that it will start, on one core."""
    os.sched_setaffinity(0, {core})
