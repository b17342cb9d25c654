"""Write the tables of README.md from the code and the profile files: `python -m consent.tables`.

Not here: why each rule is as it is; that is prose, and stands in the README itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .policies import Policy
from .profile_values import Value
from .profiles import PROFILE_IDS, Profile, load_profile
from .purposes import PURPOSES, Account, Purpose, PurposeRule

UNCONFIRMED = "†"


def profiles_table(profiles: Sequence[Profile]) -> str:
    """Return every value of these profiles, side by side, each with its authority."""
    columns = [{value.key: value for value in profile.values} for profile in profiles]
    rows = ([f"`{key}`", *(_cell(column[key]) for column in columns)] for key in columns[0])
    return _table(["key", *(profile.id for profile in profiles)], rows)


def policy_table(profiles: Sequence[Profile]) -> str:
    """Return the policy of these profiles, one row for each purpose."""
    rows = (
        [f"`{purpose}`", *(_limits(profile.policy[purpose]) for profile in profiles)]
        for purpose in Purpose
    )
    return _table(["purpose", *(profile.id for profile in profiles)], rows)


def purposes_table() -> str:
    """Return the closed list of purposes and what each needs."""
    rows = (
        [
            f"`{rule.purpose}`",
            rule.title,
            ", ".join(sorted(rule.parties)),
            _needs(rule),
            rule.dpv or "own term",
            rule.rebit or "-",
        ]
        for rule in PURPOSES.values()
    )
    return _table(["purpose", "for", "who", "needs", "DPV", "ReBIT"], rows)


def all_tables() -> dict[str, str]:
    """Return the generated tables of the README by their marker."""
    profiles = [load_profile(profile_id) for profile_id in PROFILE_IDS]
    return {
        "purposes": purposes_table(),
        "policy": policy_table(profiles),
        "profiles": profiles_table(profiles),
    }


def _cell(value: Value) -> str:
    shown = value.value
    if isinstance(shown, bool):
        text = "yes" if shown else "no"
    elif isinstance(shown, tuple):
        text = ", ".join(str(item) for item in shown)
    else:
        text = str(shown)
    if text == "none":
        text = "-"
    else:
        start = value.starts and f"from {value.starts}"
        text = " ".join(part for part in (text, value.unit, value.currency, start) if part)
    mark = "" if value.confirmed else f" {UNCONFIRMED}"
    return f"{text}{mark} ({value.source or value.counsel})"


def _needs(rule: PurposeRule) -> str:
    parts = [rule.permission.value]
    if rule.account is not Account.NONE:
        parts.append(f"{rule.account} own account")
    return ", ".join(parts)


def _limits(policy: Policy) -> str:
    if not policy.on:
        return "off"
    parts = [
        f"level {policy.level}" if policy.level else "",
        f"{policy.max_days} days" if policy.max_days else "",
        "once" if policy.max_uses == 1 else "",
        f"{policy.window_max} in {policy.window_days} days" if policy.window_max else "",
        f"{policy.detail}, {policy.lookback_months} months back" if policy.lookback_months else "",
        f"answer {policy.answer_days} days" if policy.answer_days else "",
    ]
    return "on" + "".join(f", {part}" for part in parts if part)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


if __name__ == "__main__":
    for marker, table in all_tables().items():
        print(f"<!-- {marker} -->\n{table}\n<!-- end -->\n")
