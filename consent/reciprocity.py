"""Who gives gets: how deep an answer goes by what, and how well, its asker contributes.

In:  a member's contribution class and the class of its data quality.
Out: the depth that it has earned. `decide` cuts to it and says so.
Not here: how quality is measured, and from which day a depth holds.
Source: own rule after the UK Principles of Reciprocity; records.md, 13.
"""

from __future__ import annotations

from enum import StrEnum


class Contribution(StrEnum):
    """What a member reports."""

    FULL_BOOK = "FULL_BOOK"
    ADVERSE_ONLY = "ADVERSE_ONLY"
    NONE = "NONE"


class Quality(StrEnum):
    """How well it reports. A new member counts as fair."""

    GOOD = "GOOD"
    FAIR = "FAIR"
    POOR = "POOR"
    NEW = "NEW"


class Earned(StrEnum):
    """How deep an answer may go, from everything to nothing."""

    ALL = "ALL"
    NO_VELOCITY = "NO_VELOCITY"
    FLAG = "FLAG"
    NOTHING = "NOTHING"


def earned(contribution: Contribution, quality: Quality) -> Earned:
    """Return the depth that a member has earned."""
    if quality is Quality.NEW:
        return Earned.ALL if contribution is not Contribution.ADVERSE_ONLY else Earned.NO_VELOCITY
    if contribution is Contribution.NONE:
        return Earned.NOTHING
    if quality is Quality.POOR:
        return Earned.FLAG
    return Earned.ALL if contribution is Contribution.FULL_BOOK else Earned.NO_VELOCITY
