"""What a process tells the kernel of itself: whom it ends with, and what it is called."""

from __future__ import annotations

import ctypes
import signal
import sys

_PR_SET_PDEATHSIG, _PR_SET_NAME = 1, 15  # prctl(2)


def end_with_parent(by: signal.Signals) -> None:
    """Ask the kernel to send this process a signal when its parent dies."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, by)


def name_process(name: str) -> None:
    """Let `ps` and `top` call this process so.

    Args:
        name: at most 15 ASCII characters.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_NAME, name.encode("ascii"))
