"""Score and grade a finding by the model `points_v1`: the sum of the points of its bands.

In:  a finding, as its receipt shows it. A band that it does not show scores 0.
Out: score, letter, and the bands that weigh most, as reason codes.
Anyone can recompute it from a receipt: `exchange_client.grades` does, on the same vectors.
Not inputs, ever: sex, age, education, marriage, region and the like.
Source: own points; those of statuses and amounts fit the public UCI credit-card default file,
those of velocity and members are own estimates until they are back-tested.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

MODEL = "points_v1"
SCORE_MAX = 100
REASONS_MAX = 4  # US Regulation B practice (to be confirmed)


class ReasonCode(StrEnum):
    """Why a grade is what it is, or what else to know about it."""

    OVERDUE_NOW = "R01"
    SERIOUS_ARREARS = "R02"
    REPEATED_LATE = "R03"
    AMOUNT_OVERDUE = "R04"
    SEVERAL_MEMBERS = "R05"
    MANY_APPLICATIONS = "R06"
    NO_DATA = "R07"
    WITHHELD = "R08"
    DISPUTED = "R09"
    SHALLOW = "R10"


NO_DATA_GRADE = "U"
_LETTERS = "ABCDEF"
_EDGES = (1, 20, 30, 40, 55)  # first scores of B to F

_Points = Mapping[object, int]
_WEIGHTS: tuple[tuple[ReasonCode, str, _Points], ...] = (
    (
        ReasonCode.OVERDUE_NOW,
        "current_bucket",
        {1: 8, 2: 28, 3: 32, 4: 34, 5: 34, 6: 34, 7: 34},
    ),
    (
        ReasonCode.SERIOUS_ARREARS,
        "worst_bucket",
        {1: 8, 2: 14, 3: 20, 4: 22, 5: 22, 6: 22, 7: 22},
    ),
    (ReasonCode.REPEATED_LATE, "late_months", {"1": 6, "2": 10, "3-5": 15, "6+": 18}),
    (ReasonCode.AMOUNT_OVERDUE, "overdue_amount_band", {2: 1, 3: 1, 4: 2, 5: 3}),
    (ReasonCode.SEVERAL_MEMBERS, "lender_band", {"2": 8, "3+": 14}),
)
_VELOCITY_30: _Points = {"2": 2, "3-4": 5, "5-9": 8, "10+": 12}
# Time heals: the only band that takes points away, and so gives no reason.
_SINCE_WORST: _Points = {"3-5": -2, "6-11": -4, "12-23": -6, "24+": -7}

WEIGHTS = MappingProxyType({band: points for _, band, points in _WEIGHTS})


class Grade(NamedTuple):
    """What the model makes of a finding."""

    score: int  # 0 (best) to 100
    letter: str  # A to F
    reasons: tuple[ReasonCode, ...]  # weightiest first, at most four


def grade(finding: Mapping[str, object]) -> Grade:
    """Score the bands of a finding."""
    score = 0
    weighty: list[tuple[int, ReasonCode]] = []
    for reason, band, table in _WEIGHTS:
        if points := table.get(finding.get(band), 0):
            score += points
            weighty.append((-points, reason))
    velocity = finding.get("velocity")
    if isinstance(velocity, Mapping) and (points := _VELOCITY_30.get(velocity.get("30"), 0)):
        score += points
        weighty.append((-points, ReasonCode.MANY_APPLICATIONS))
    score += _SINCE_WORST.get(finding.get("months_since_worst"), 0)
    score = min(SCORE_MAX, max(0, score))
    weighty.sort()
    return Grade(score, letter(score), tuple(reason for _, reason in weighty[:REASONS_MAX]))


def letter(score: int) -> str:
    """Return the letter of a score: A 0, B 1-19, C 20-29, D 30-39, E 40-54, F 55-100."""
    return _LETTERS[bisect_right(_EDGES, score)]
