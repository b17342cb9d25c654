"""The policy table of a profile: which purposes are open, and with which limits.

In:  the `[policy]` table of a profile file, one line for each purpose.
Out: a Policy for every purpose of the closed list; a purpose left out is an error.
Not here: the law (profiles.py), one artefact's own limits (artefact.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from .profile_values import ProfileFault
from .purposes import DETAIL_DEPTH, PURPOSES, Act, Detail, Fetch, Purpose, PurposeRule

GRANT_DAYS_MAX = 12_784  # 35 years: the life of a loan and the retention after it
LEVELS = (1, 2, 3)
_ALWAYS = frozenset({"on"})
_GRANT = frozenset({"level", "max_days"})
_LOOK = frozenset({"detail", "lookback_months", "answer_days"})
_LIMITS = {
    Fetch.ONCE: frozenset({"max_uses"}),
    Fetch.RECURRING: frozenset({"window_max", "window_days"}),
    Fetch.STANDING: frozenset(),
    None: frozenset(),
}
_NUMBER_MAX = {"level": 3, "max_days": GRANT_DAYS_MAX, "max_uses": 1, "lookback_months": 60}


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One purpose in one profile. What a purpose has no use for is None."""

    purpose: Purpose
    on: bool
    level: int  # of evidence, at least; 0 where no grant is used
    max_days: int | None  # between a grant's first and last second
    max_uses: int | None  # of one grant
    window_max: int | None  # uses in one window
    window_days: int | None
    detail: Detail  # deepest that an answer may be
    lookback_months: int  # 0 where nothing is looked up
    answer_days: int  # how long an answer may be used; 0 where nothing is answered


def read_policies(profile_id: str, table: object) -> Mapping[Purpose, Policy]:
    """Read the policy table.

    Raises:
        ProfileFault: a purpose or a limit is missing, unknown, or outside its range.
    """
    if not isinstance(table, dict) or table.keys() != {purpose.value for purpose in Purpose}:
        raise ProfileFault(f"profile {profile_id}: policy: must name every purpose, and no other")
    return MappingProxyType(
        {purpose: _policy(profile_id, rule, table[purpose]) for purpose, rule in PURPOSES.items()}
    )


def _policy(profile_id: str, rule: PurposeRule, row: object) -> Policy:
    keys = _keys(rule)
    if not isinstance(row, dict) or row.keys() != keys:
        raise _fault(profile_id, rule, f"must have exactly {', '.join(sorted(keys))}")
    if not isinstance(row["on"], bool):
        raise _fault(profile_id, rule, "on: must be true or false")
    numbers = {key: value for key, value in row.items() if key not in {"on", "detail"}}
    for key, value in numbers.items():
        if type(value) is not int or not 1 <= value <= _NUMBER_MAX.get(key, GRANT_DAYS_MAX):
            raise _fault(profile_id, rule, f"{key}: must be an integer from 1 to its limit")
    return Policy(
        purpose=rule.purpose,
        on=row["on"],
        level=numbers.get("level", 0),
        max_days=numbers.get("max_days"),
        max_uses=numbers.get("max_uses"),
        window_max=numbers.get("window_max"),
        window_days=numbers.get("window_days"),
        detail=_detail(profile_id, rule, row.get("detail", Detail.OUTCOME)),
        lookback_months=numbers.get("lookback_months", 0),
        answer_days=numbers.get("answer_days", 0),
    )


def _keys(rule: PurposeRule) -> frozenset[str]:
    keys = _ALWAYS | _LIMITS[rule.fetch]
    if rule.needs_grant:
        keys |= _GRANT
    return keys | _LOOK if rule.act is Act.LOOK else keys


def _detail(profile_id: str, rule: PurposeRule, text: object) -> Detail:
    deepest = Detail.BANDS if rule.fields else Detail.OUTCOME
    for detail in Detail:
        if detail == text and DETAIL_DEPTH[detail] <= DETAIL_DEPTH[deepest]:
            return detail
    raise _fault(profile_id, rule, f"detail: must be no deeper than {deepest}")


def _fault(profile_id: str, rule: PurposeRule, message: str) -> ProfileFault:
    return ProfileFault(f"profile {profile_id}: policy.{rule.purpose}: {message}")
