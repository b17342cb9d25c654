"""The geometry of charts that pages draw as SVG: parts of a bar, points of a line.

The numbers stand beside each chart as text: who does not see it misses nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

BAR = 100  # width of a whole bar, in units of its own


class Part(NamedTuple):
    """One part of a bar."""

    name: str
    at: float
    width: float


def bar(counts: Mapping[str, int]) -> list[Part]:
    """Divide a bar as these counts divide their sum, in their order; of nothing there is no bar."""
    whole, before, parts = sum(counts.values()), 0, []
    for name, count in counts.items():
        if count:
            parts.append(Part(name, round(BAR * before / whole, 3), round(BAR * count / whole, 3)))
        before += count
    return parts


def line(values: Sequence[int], *, top: int, width: int, height: int) -> str:
    """Return the points of a line through these values, the oldest first, as SVG writes them.

    Args:
        top: the value that is drawn at the upper edge; 0 is at the lower one.
    """
    step = width / max(1, len(values) - 1)
    points = (
        f"{round(n * step, 2)},{round(height - height * value / top, 2)}"
        for n, value in enumerate(values)
    )
    return " ".join(points)
