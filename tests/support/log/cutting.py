"""Cut a process off between two steps: raise there, or die there as by kill -9."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field

NOUNS = ("tree", "log", "publication", "erasure", "meters")  # of a unit of work
_FORKS = multiprocessing.get_context("fork")  # what is loaded here need not be loaded again
WAIT_SECONDS_MAX = 60


class PowerCut(Exception):
    """The process ends here."""


def raise_power_cut() -> None:
    """End by an error: what is open is undone in an orderly way."""
    raise PowerCut


def die() -> None:
    """End at once: nothing is undone, closed or told by whoever dies."""
    os.kill(os.getpid(), signal.SIGKILL)


@dataclass(slots=True)
class Fuse:
    """Counts the steps of an act, and blows at one of them: before it is done, or right after."""

    blows_at: int = -1
    after: bool = False
    blow: Callable[[], None] = raise_power_cut
    steps: list[str] = field(default_factory=list)

    def step(self, name: str, call: Callable[[], object]) -> object:
        """Do one step, unless it is the one."""
        self.steps.append(name)
        here = len(self.steps) - 1 == self.blows_at
        if here and not self.after:
            self.blow()
        result = call()
        if here:
            self.blow()
        return result


class Fused:
    """Whatever it stands for, each of its methods behind the fuse."""

    def __init__(self, real: object, fuse: Fuse) -> None:
        self._real = real
        self._fuse = fuse

    def __getattr__(self, name: str) -> object:
        found = getattr(self._real, name)
        if name in NOUNS:
            return Fused(found, self._fuse)
        if not callable(found):
            return found
        return lambda *args, **named: self._fuse.step(name, lambda: found(*args, **named))


def killed(act: Callable[[], object]) -> bool:
    """Let a process of its own do this, and say whether it died by SIGKILL on the way.

    Whatever it needs it must open itself: nothing that is open here can be used in both.
    """
    child = _FORKS.Process(target=act, daemon=True)
    child.start()
    child.join(WAIT_SECONDS_MAX)
    assert child.exitcode is not None, "it neither ended nor died"
    assert child.exitcode in (0, -signal.SIGKILL), f"it failed with {child.exitcode}"
    return child.exitcode != 0
