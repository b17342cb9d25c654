"""Watches: which events a change in a member's finding makes, and what a watch remembers of it.

In:  what the watching member would have been shown at the look before, and what it is shown now.
Out: the kinds of event that this makes, and what to compare with next time.
Not here: whether the member may look at all (`consent.decide`), records, time.
What a look did not show (its grant or the member's own contribution does not reach so far) is not
compared: it is remembered as it was seen last. Source: records.md, 7.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import TypeAlias

from consent.decision import Reason
from consent.purposes import PURPOSES, Purpose
from exchange.domain.findings import Answer
from exchange.domain.outward.events import EventKind

# What is seen in one look, by band. Where nobody reports anything, nobody reports an arrear.
Seen: TypeAlias = Mapping[str, object]
_Changed: TypeAlias = Callable[[object, object], bool]


class EndCause(StrEnum):
    """Why a watch ended."""

    ACCOUNT = "ACCOUNT"  # no open account of the member any more
    GRANT = "GRANT"
    MEMBERSHIP = "MEMBERSHIP"
    EXPIRED = "EXPIRED"
    REMOVED = "REMOVED"  # by its member, who is not told of it


# Reasons for which a look is refused for good; the others may pass, and the watch waits.
FINAL_REASONS = frozenset(
    {
        Reason.GRANT_REJECTED,
        Reason.GRANT_WITHDRAWN,
        Reason.GRANT_REVOKED,
        Reason.GRANT_SUPERSEDED,
        Reason.GRANT_INVALIDATED,
        Reason.GRANT_EXPIRED,
        Reason.GRANT_PURPOSE,
    }
)

_BUCKET, _MEMBERS, _VELOCITY = "current_bucket", "lender_band", "velocity"
_DISPUTE, _GRADE = "dispute", "grade"
# `1+` stands for any number where few members contribute: from there nothing is known to rise.
_MEMBERS_RANK = MappingProxyType({"0": 0, "1": 1, "2": 2, "3+": 3})
_VELOCITY_RANK = MappingProxyType({"0": 0, "1": 1, "2": 2, "3-4": 3, "5-9": 4, "10+": 5})
_MANY = _VELOCITY_RANK["3-4"]


def _bucket(rule: Callable[[int, int], bool]) -> _Changed:
    return lambda before, after: (
        isinstance(before, int) and isinstance(after, int) and rule(before, after)
    )


def _more_members(before: object, after: object) -> bool:
    if before == "0":
        return after != "0"
    was, now = _MEMBERS_RANK.get(str(before)), _MEMBERS_RANK.get(str(after))
    return was is not None and now is not None and was < now


def _many_queries(before: object, after: object) -> bool:
    return _VELOCITY_RANK[str(before)] < _MANY <= _VELOCITY_RANK[str(after)]


def _differs(before: object, after: object) -> bool:
    return before != after


# Which band a kind compares, and when. No two kinds of one band happen at once.
_RULES: Mapping[EventKind, tuple[str, _Changed]] = MappingProxyType(
    {
        EventKind.ENTERED_ARREARS: (_BUCKET, _bucket(lambda before, after: before == 0 < after)),
        EventKind.BUCKET_UP: (_BUCKET, _bucket(lambda before, after: 1 <= before < after)),
        EventKind.BUCKET_DOWN: (_BUCKET, _bucket(lambda before, after: 1 <= after < before)),
        EventKind.CURED: (_BUCKET, _bucket(lambda before, after: after == 0 < before)),
        EventKind.NEW_LENDER: (_MEMBERS, _more_members),
        EventKind.MANY_QUERIES: (_VELOCITY, _many_queries),
        EventKind.DISPUTE_CHANGED: (_DISPUTE, _differs),
        EventKind.GRADE_CHANGED: (_GRADE, _differs),
    }
)
KINDS = tuple(_RULES)


def told_under(purpose: Purpose, fields: Collection[str]) -> frozenset[EventKind]:
    """Return the kinds that a watch can ever make.

    Args:
        fields: of the finding, as far as the purpose and the grant let the member see them.
    """
    graded = PURPOSES[purpose].graded
    return frozenset(
        kind
        for kind, (band, _) in _RULES.items()
        if band in fields or (band == _GRADE and graded and _BUCKET in fields)
    )


def seen_in(answer: Answer, fields: Collection[str]) -> Seen:
    """Return what a permitted look shows of the bands that events are made of.

    Args:
        fields: of the finding that this look may show.
    """
    shown = answer.finding.as_claims() if answer.finding else {}
    velocity = shown.get(_VELOCITY)
    of_all = {
        _BUCKET: shown.get(_BUCKET, 0),
        _MEMBERS: shown.get(_MEMBERS, "0"),
        _VELOCITY: velocity.get("30") if isinstance(velocity, Mapping) else None,
        _DISPUTE: shown.get(_DISPUTE, False),
    }
    seen = {band: one for band, one in of_all.items() if band in fields and one is not None}
    return {**seen, **({} if answer.grade is None else {_GRADE: answer.grade})}


def changes(before: Seen, after: Seen, kinds: Collection[EventKind]) -> list[EventKind]:
    """Return the events that a watch for these kinds makes of two looks, in their fixed order."""
    return [
        kind
        for kind, (band, changed) in _RULES.items()
        if kind in kinds and band in before and band in after and changed(before[band], after[band])
    ]


def remembered(before: Seen, after: Seen, untold: Collection[EventKind]) -> Seen:
    """Return what the next look is compared with.

    Args:
        untold: events of `changes` that were not told, for one of their kind was told that day:
            their band stays as it was, so that they are told tomorrow if they still hold.
    """
    kept = {_RULES[kind][0] for kind in untold}
    return {**before, **{band: one for band, one in after.items() if band not in kept}}
