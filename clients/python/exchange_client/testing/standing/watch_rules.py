"""Which events the fake's watches make of two looks: the exchange's own table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, cast

from exchange_client._consent.decision import Decision
from exchange_client._consent.purposes import PURPOSES, Purpose

_MEMBERS: Final = ("0", "1", "2", "3+")
_VELOCITY: Final = ("0", "1", "2", "3-4", "5-9", "10+")
_MANY: Final = _VELOCITY.index("3-4")


def _bucket(rule: Callable[[int, int], bool]) -> Callable[[object, object], bool]:
    return lambda before, after: rule(cast("int", before), cast("int", after))


def _more_members(before: object, after: object) -> bool:
    if before == "0":
        return after != "0"
    known = before in _MEMBERS and after in _MEMBERS
    return known and _MEMBERS.index(str(before)) < _MEMBERS.index(str(after))


def _many(before: object, after: object) -> bool:
    return _VELOCITY.index(str(before)) < _MANY <= _VELOCITY.index(str(after))


def _differs(before: object, after: object) -> bool:
    return before != after


RULES: Final[Mapping[str, tuple[str, Callable[[object, object], bool]]]] = {
    "ENTERED_ARREARS": ("current_bucket", _bucket(lambda before, after: before == 0 < after)),
    "BUCKET_UP": ("current_bucket", _bucket(lambda before, after: 1 <= before < after)),
    "BUCKET_DOWN": ("current_bucket", _bucket(lambda before, after: 1 <= after < before)),
    "CURED": ("current_bucket", _bucket(lambda before, after: after == 0 < before)),
    "NEW_LENDER": ("lender_band", _more_members),
    "MANY_QUERIES": ("velocity", _many),
    "DISPUTE_CHANGED": ("dispute", _differs),
    "GRADE_CHANGED": ("grade", _differs),
}


def changes(
    before: Mapping[str, object], after: Mapping[str, object], kinds: Sequence[str]
) -> list[str]:
    """Return the events that a watch for these kinds makes, in their fixed order."""
    return [
        kind
        for kind, (band, changed) in RULES.items()
        if kind in kinds and band in before and band in after and changed(before[band], after[band])
    ]


def possible_kinds(purpose: str, decision: Decision) -> set[str]:
    """Return the kinds that purpose and grant can ever show."""
    graded_too = PURPOSES[Purpose(purpose)].graded and "current_bucket" in decision.fields
    return {
        kind
        for kind, (band, _) in RULES.items()
        if band in decision.fields or (band == "grade" and graded_too)
    }
