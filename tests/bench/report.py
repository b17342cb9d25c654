"""The one JSON form of every benchmark's result."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Sequence
from importlib.metadata import version

Measure = dict[str, float | int | str]
_PACKAGES = ("flask", "flask-smorest", "gunicorn", "psycopg", "cryptography", "voprf", "httpx2")


def measure(values: Sequence[float], unit: str) -> Measure:
    """Return the median of the rounds, with their spread."""
    return {
        "value": round(statistics.median(values), 4),
        "low": round(min(values), 4),
        "high": round(max(values), 4),
        "rounds": len(values),
        "unit": unit,
    }


def figure(value: float, unit: str) -> Measure:
    """Return what was measured once: a run too long, or too exact, for rounds."""
    return measure([value], unit)


def share(part: int, whole: int) -> Measure:
    """Return a share of a count; `rounds` says of how many."""
    return {**figure(part / whole if whole else 0.0, "share"), "rounds": whole}


def report(bench: str, measures: dict[str, Measure], **settings: object) -> dict[str, object]:
    """Return the object that a benchmark prints."""
    return {
        "bench": bench,
        "machine": {
            "cores": os.cpu_count() or 0,
            "machine": platform.machine(),
            "python": platform.python_version(),
            **{name: version(name) for name in _PACKAGES},
        },
        "settings": settings,
        "measures": measures,
    }


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which this share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
