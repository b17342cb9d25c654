"""List the purposes: the closed list, and what the profile's policy allows under each."""

from __future__ import annotations

from consent.policies import Policy
from consent.profiles import Profile
from consent.purposes import PURPOSES, PurposeRule


def list_purposes(profile: Profile) -> dict[str, object]:
    """Return the policy's name and every purpose, the closed ones as well."""
    return {
        "policy": profile.ref,
        "purposes": [_purpose(rule, profile.policy[name]) for name, rule in PURPOSES.items()],
    }


def _purpose(rule: PurposeRule, policy: Policy) -> dict[str, object]:
    return {
        "purpose": rule.purpose.value,
        "title": rule.title,
        "open": policy.on,
        "needs": rule.permission.value,
        "own_account": rule.account.value,
        "level": policy.level,
        "max_days": policy.max_days,
        "max_uses": policy.max_uses,
        "window_max": policy.window_max,
        "window_days": policy.window_days,
        "detail": policy.detail.value,
        "fields_shown": sorted(rule.fields),
        "lookback_months": policy.lookback_months,
        "answer_days": policy.answer_days,
    }
