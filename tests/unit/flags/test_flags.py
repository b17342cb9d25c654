"""Flags: each rule at its line, on this side and beyond, by two implementations that must agree."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.domain.flags.parameters import DEFAULTS, Parameters, read_parameters
from exchange.errors import FormError
from exchange_client.audit.flags.finding import DEFAULTS as CLIENT_DEFAULTS
from exchange_client.core.encoding import JSON
from tests.support.audit_leaves import START, Log, flags_of, hits, numbers
from tests.support.flag_logs import (
    DAY,
    HOUR,
    drifted,
    hour_of_subjects,
    looks_without_loans,
    newcomer,
    no_data,
    odd_hours,
    probed,
    repeated,
    repeated_over_a_day,
    shared_application,
    spiked,
    stacked,
    two_hours_of_subjects,
    unproven,
    usage,
)
from tests.unit.flags.vectors import PLACE

LINES = [
    (hour_of_subjects, "enumeration/1", 50, 51, DEFAULTS),
    (two_hours_of_subjects, "enumeration/1", 70, 71, DEFAULTS),
    (no_data, "enumeration/1", 19, 20, DEFAULTS),
    (usage, "enumeration/1", 120, 121, DEFAULTS),
    (unproven, "silent/1", 10, 11, DEFAULTS),
    (shared_application, "no_application/1", 1, 2, DEFAULTS),
    (
        looks_without_loans,
        "no_application/1",
        95,
        96,
        numbers("no_application/1", last_queries=100),
    ),
    (repeated, "repeat/1", 3, 4, DEFAULTS),
    (repeated_over_a_day, "repeat/1", 4, 5, DEFAULTS),
    (probed, "probing/1", 10, 11, DEFAULTS),
    (stacked, "stacking/1", 2, 3, DEFAULTS),
    (newcomer, "insider/1", 20, 21, DEFAULTS),
    (odd_hours, "odd_hours/1", 10, 11, DEFAULTS),
    (spiked, "volume_spike/1", 100, 101, DEFAULTS),
    (
        drifted,
        "purpose_drift/1",
        19,
        20,
        numbers("purpose_drift/1", last_queries=100, before_min=100),
    ),
]


@pytest.mark.parametrize(("make", "rule", "below", "beyond", "parameters"), LINES)
def test_each_rule_is_silent_at_its_line_and_speaks_beyond_it(
    make: Callable[[int], Log], rule: str, below: int, beyond: int, parameters: Parameters
) -> None:
    """Nobody is accused for what is allowed, and nothing that is not allowed passes."""
    silent = flags_of(make(below), parameters, rule=rule)

    spoken = flags_of(make(beyond), parameters, rule=rule)

    assert [] == silent
    assert spoken, f"{rule} says nothing"
    assert all(flag[4] for flag in spoken)


def test_a_flag_names_the_entries_that_show_it() -> None:
    """A regulator who opens a flag reads evidence and not a verdict."""
    log = Log()
    log.look(START, "p:other")
    expected = [log.look(START + number) for number in range(4)]

    found = flags_of(log, rule="repeat/1")

    assert tuple(expected) == hits(found)
    assert (START, START + 3) == found[0][2:4]


def test_a_look_at_ones_own_staff_is_flagged() -> None:
    """A colleague's debts are nobody's curiosity."""
    log = Log()
    staff: dict[str, JSON] = {"approvers": [], "staff": ["p:colleague"]}
    log.add("admin", START, {"member": "member-a", "event": "staff"}, staff)
    log.look(START + 1, "p:stranger")
    expected = log.look(START + 2, "p:colleague")

    assert (expected,) == hits(flags_of(log, rule="insider/1"))


@pytest.mark.parametrize(("late", "count"), [(60, 0), (61, 1)])
def test_an_entry_that_no_checkpoint_covered_in_time_is_flagged(late: int, count: int) -> None:
    """An exchange that holds entries back is flagged by its own checkpoints."""
    log = Log()
    log.look(START)
    log.checkpoints = [(1, START + late)]

    assert count == len(flags_of(log, rule="silent/1"))


def test_a_clock_that_runs_back_changes_no_window() -> None:
    """Entries written a moment out of order are judged in the log's order."""
    log = Log()
    for t in (START + 10, START, START + 11, START + 5):
        log.look(t)

    assert (0, 1, 2, 3) == hits(flags_of(log, rule="repeat/1"))


SMALL: Parameters = {
    "enumeration/1": {
        "hour_subjects": 3,
        "last_queries": 4,
        "points": 20,
        "before_min": 2,
        "evaluations_percent": 120,
    },
    "no_application/1": {"last_queries": 3, "older_days": 2, "loans_percent": 50},
    "volume_spike/1": {"queries": 2, "mads": 1, "weeks": 2},
    "purpose_drift/1": {"last_queries": 4, "points": 20, "before_min": 2},
    "repeat/1": {"times": 2},
    "probing/1": {"last_queries": 4, "percent": 30},
    "odd_hours/1": {
        "queries": 2,
        "from_hour": 0,
        "to_hour": 6,
        "offset_seconds": 28_800,
        "percent": 40,
        "before_min": 2,
    },
    "insider/1": {"subjects": 2},
    "silent/1": {"mmd_seconds": 60, "proofs_percent": 90},
    "lend_first/1": {"percent": 2, "loans_min": 2},
    "stacking/1": {"members": 2},
}

looks = st.tuples(
    st.sampled_from([0, 1, 600, HOUR, 7 * HOUR, DAY, 7 * DAY, 40 * DAY, -30]),
    st.sampled_from(["p:1", "p:2", "p:3", "p:4"]),
    st.sampled_from(["member-a", "member-b"]),
    st.sampled_from(["credit_application", "account_review", "guarantor_check"]),
    st.sampled_from(["NO_DATA", "ADVERSE", "WITHHELD"]),
    st.sampled_from(["op-1", "op-2"]),
    st.sampled_from(["app-1", "app-2", ""]),
    st.sampled_from(["query", "query", "query", "query", "disbursement"]),
)


@settings(max_examples=150)
@given(made=st.lists(looks, max_size=60))
def test_both_implementations_find_the_same_flags_in_any_log(
    made: list[tuple[int, str, str, str, str, str, str, str]],
) -> None:
    """What the exchange flags, anybody finds again from an export, and nothing else."""
    log, t = Log(), START
    for step, subject, member, purpose, outcome, operator, application, kind in made:
        t += step
        said = {"subject": subject, "member": member, "purpose": purpose, "outcome": outcome}
        log.add(kind, t, said, {"operator": operator, "application": application})
    log.checkpoints = [(size, t) for size in range(7, len(made), 7)]

    flags_of(log, SMALL)


CASES = json.loads(PLACE.read_text(encoding="utf-8"))["cases"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["why"])
def test_the_vectors_of_flags_hold(case: dict[str, Any]) -> None:
    """Whoever writes a third implementation must be able to hold it against these."""
    log = Log(
        leaves=[(one["subject"], one["audit"]) for one in case["entries"]],
        checkpoints=[(size, t) for size, t in case["checkpoints"]],
    )

    found = flags_of(log, numbers(case["rule"], **case["numbers"]), rule=case["rule"])

    told = [{"member": one[1], "from": one[2], "to": one[3], "hits": list(one[4])} for one in found]
    assert case["flags"] == told


def test_every_vector_of_flags_stands_beside_one_on_the_other_side_of_the_line() -> None:
    """A vector that a rule without its line would pass as well proves nothing."""
    pairs = list(zip(CASES[::2], CASES[1::2], strict=True))

    assert [(False, True)] * len(pairs) == [
        (bool(under["flags"]), bool(over["flags"])) for under, over in pairs
    ]


def test_both_sides_have_the_same_numbers() -> None:
    """A flag is found again by whoever leaves the numbers alone."""
    assert {rule: dict(one) for rule, one in DEFAULTS.items()} == CLIENT_DEFAULTS


def test_a_policy_of_flags_changes_what_it_names_and_nothing_else() -> None:
    """A consortium sets its own lines, and every flag says by which it was raised."""
    read = read_parameters('["repeat/1"]\ntimes = 5\n')

    assert 5 == read["repeat/1"]["times"]
    assert DEFAULTS["probing/1"] == read["probing/1"]


@pytest.mark.parametrize(
    "text",
    ["[", '["repeat/2"]\ntimes = 1\n', '["repeat/1"]\nmore = 1\n', '["repeat/1"]\ntimes = 1.5\n'],
)
def test_a_policy_of_flags_that_names_nothing_known_is_refused(text: str) -> None:
    """A slip of the pen does not switch a rule off."""
    with pytest.raises(FormError):
        read_parameters(text)
