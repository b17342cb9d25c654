"""Run every rule over the log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from exchange.domain.flags.counting import (
    HourOfSubjects,
    Newcomer,
    Repeats,
    SharedApplication,
    Spike,
    Stacking,
)
from exchange.domain.flags.events import Event, Flag
from exchange.domain.flags.parameters import Parameters
from exchange.domain.flags.rule import Rule
from exchange.domain.flags.sharing import Drift, LooksWithoutLoans, NoData, OddHours, Probing
from exchange.domain.flags.usage import Evaluations, Unredeemed, late_entries


def rules(parameters: Parameters) -> list[Rule]:
    """Return every rule, at its start."""
    enumeration, application = parameters["enumeration/1"], parameters["no_application/1"]
    return [
        HourOfSubjects(enumeration),
        NoData(enumeration),
        Evaluations(enumeration),
        SharedApplication(application),
        LooksWithoutLoans(application),
        Spike(parameters["volume_spike/1"]),
        Drift(parameters["purpose_drift/1"]),
        Repeats(parameters["repeat/1"]),
        Probing(parameters["probing/1"]),
        OddHours(parameters["odd_hours/1"]),
        Newcomer(parameters["insider/1"]),
        Unredeemed(parameters["silent/1"]),
        Stacking(parameters["stacking/1"]),
    ]


def find_flags(
    events: Sequence[Event], checkpoints: Iterable[tuple[int, int]], parameters: Parameters
) -> list[Flag]:
    """Return every flag that the log shows.

    Args:
        events: opened entries, by index.
        checkpoints: (size, signed_at) of every checkpoint, by size.
    """
    every = rules(parameters)
    found = [flag for event in events for rule in every for flag in rule.feed(event)]
    found += late_entries(events, list(checkpoints), parameters["silent/1"])
    return sorted(found, key=lambda flag: (flag.hits[-1], flag))
