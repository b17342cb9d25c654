"""The parameters of the rules, with their defaults; a TOML file may set others.

Every one is a whole number, and all that a rule goes by stands in the leaf of each of its flags.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from types import MappingProxyType

from exchange.errors import FormError

Parameters = Mapping[str, Mapping[str, int]]

DEFAULTS: Parameters = MappingProxyType(
    {
        "enumeration/1": {
            "hour_subjects": 50,
            "last_queries": 100,
            "points": 20,
            "before_min": 100,  # queries before the window, or there is nothing to compare with
            "evaluations_percent": 120,
        },
        "no_application/1": {"last_queries": 500, "older_days": 45, "loans_percent": 5},
        "volume_spike/1": {"queries": 100, "mads": 6, "weeks": 8},
        "purpose_drift/1": {"last_queries": 500, "points": 20, "before_min": 500},
        "repeat/1": {"times": 3},
        "probing/1": {"last_queries": 200, "percent": 5},
        "odd_hours/1": {
            "queries": 10,
            "from_hour": 0,
            "to_hour": 6,
            "offset_seconds": 28_800,  # of local time from UTC
            "percent": 1,
            "before_min": 100,
        },
        "insider/1": {"subjects": 20},
        "silent/1": {"mmd_seconds": 60, "proofs_percent": 90},
        "lend_first/1": {"percent": 2, "loans_min": 20},
        "stacking/1": {"members": 3},
    }
)


def read_parameters(text: str) -> Parameters:
    """Read a policy of flags: a table for each rule whose defaults are not to hold.

    Raises:
        FormError: it is no TOML, or names a rule or number that is not here.
    """
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise FormError(f"the policy of flags is no TOML: {error}") from error
    merged = {rule: dict(numbers) for rule, numbers in DEFAULTS.items()}
    for rule, numbers in given.items():
        known = merged.get(rule)
        if known is None or not isinstance(numbers, dict):
            raise FormError("the policy of flags names a rule that is not here")
        for name, number in numbers.items():
            if name not in known or type(number) is not int:
                raise FormError(f"{rule}: a number is not one of: {', '.join(known)}")
            known[name] = number
    return merged
