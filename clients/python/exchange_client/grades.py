"""Recompute the score and grade of a finding, from the receipt alone.

In:  a finding, as a verified receipt shows it.
Out: the score and letter of the model `points_v1`. They must be those that the exchange signed.
A band that the finding does not show scores 0. A second implementation, sharing only vectors.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

MODEL: Final = "points_v1"

# Band -> how much each of its values adds; what is not listed adds nothing.
POINTS: Final[Mapping[str, Mapping[str, int]]] = MappingProxyType(
    {
        "current_bucket": {"1": 8, "2": 28, "3": 32} | dict.fromkeys("4567", 34),
        "worst_bucket": {"1": 8, "2": 14, "3": 20} | dict.fromkeys("4567", 22),
        "late_months": {"1": 6, "2": 10, "3-5": 15, "6+": 18},
        "months_since_worst": {"3-5": -2, "6-11": -4, "12-23": -6, "24+": -7},
        "overdue_amount_band": {"2": 1, "3": 1, "4": 2, "5": 3},
        "lender_band": {"2": 8, "3+": 14},
        "velocity": {"2": 2, "3-4": 5, "5-9": 8, "10+": 12},  # of 30 days
    }
)
REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "current_bucket": "R01",
        "worst_bucket": "R02",
        "late_months": "R03",
        "overdue_amount_band": "R04",
        "lender_band": "R05",
        "velocity": "R06",
    }
)
REASONS_MAX: Final = 4
SCORE_MAX: Final = 100
LOWEST: Final = (("F", 55), ("E", 40), ("D", 30), ("C", 20), ("B", 1), ("A", 0))


class Grade(NamedTuple):
    """What the model makes of a finding."""

    score: int  # 0 (best) to 100
    letter: str  # A to F
    reasons: tuple[str, ...]  # weightiest first, at most four


def grade_of(finding: Mapping[str, object]) -> Grade:
    """Score a finding, given as the `finding` claim of a receipt."""
    gained = {band: points.get(_shown(finding, band), 0) for band, points in POINTS.items()}
    score = max(0, min(SCORE_MAX, sum(gained.values())))
    weighty = sorted(
        (-points, REASONS[band]) for band, points in gained.items() if band in REASONS and points
    )
    letter = next(name for name, lowest in LOWEST if score >= lowest)
    return Grade(score, letter, tuple(reason for _, reason in weighty[:REASONS_MAX]))


def _shown(finding: Mapping[str, object], band: str) -> str:
    value = finding.get(band)
    if band == "velocity":
        value = value.get("30") if isinstance(value, Mapping) else None
    return "" if value is None else str(value)
