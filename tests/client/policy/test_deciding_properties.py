"""What holds for every policy, whatever its rules and the answer."""

from __future__ import annotations

import random
from collections.abc import Mapping
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from exchange_client import Outcome
from exchange_client.policy import Action, Policy, decide
from exchange_client.policy.fields import DOMAINS, Condition
from exchange_client.policy.values import Rule, strictest
from tests.client.policy.samples import (
    CLEAN,
    receipt_of,
)

FIELDS = tuple(name for name in DOMAINS if DOMAINS[name].order)
# Fields of which more is better for the borrower.
BETTER_ABOVE = {"months_since_worst"}
BANDS = tuple(name for name in FIELDS if name != "grade")


def _worse(name: str, place: int) -> Condition:
    """Return that a field is at least so bad."""
    order = DOMAINS[name].order
    among = order[: place + 1] if name in BETTER_ABOVE else order[place:]
    return Condition(field=name, among=frozenset(among))


@st.composite
def rules(draw: st.DrawFn) -> list[Rule]:
    """Draw rules whose conditions are monotone: a worse band fulfils them too."""
    drawn = []
    for number in range(draw(st.integers(0, 5))):
        when = [
            _worse(name, draw(st.integers(0, len(DOMAINS[name].order) - 1)))
            for name in draw(st.lists(st.sampled_from(FIELDS), min_size=1, max_size=3, unique=True))
        ]
        decision = draw(st.sampled_from(Action))
        factor = Decimal(draw(st.integers(1, 99))) / 100
        drawn.append(
            Rule(
                id=f"r{number}",
                when=tuple(when),
                decision=decision,
                limit_factor=factor if decision is Action.REDUCE_LIMIT else Decimal(1),
                price_band=draw(st.sampled_from([None, "b1", "b2", "b3"])),
            )
        )
    return drawn


def of_rules(drawn: list[Rule], floor: Action = Action.PROCEED) -> Policy:
    """Return a policy of these rules."""
    return Policy(
        versions=("1",),
        digests=("0" * 64,),
        model="points_v1",
        defaults=dict.fromkeys(Outcome, floor),
        own_inputs={},
        rules=tuple(drawn),
        price_bands={"b1": 900, "b2": 1800, "b3": 2400},
    )


@st.composite
def findings(draw: st.DrawFn) -> dict[str, object]:
    """Draw a finding that shows every band."""
    finding = dict(CLEAN)
    for name in BANDS:
        value = draw(st.sampled_from(DOMAINS[name].order))
        if name.startswith("velocity_"):
            days = dict(finding["velocity"])  # type: ignore[call-overload]  # the bands of CLEAN
            finding["velocity"] = {**days, name.removeprefix("velocity_"): value}
        else:
            finding[name] = value
    return finding


def strictness(policy: Policy, finding: Mapping[str, object]) -> tuple[int, Decimal, int]:
    """Return how hard a policy is on a finding: decision, limit taken away, price."""
    told = decide(policy, receipt_of("ADVERSE", finding))
    assert () == told.untold
    price = 0 if told.apr_bp is None else told.apr_bp
    stopped = told.decision is Action.STOP_NEW_CREDIT
    return told.decision.strictness, 1 - told.limit_factor, 10_000 if stopped else price


def no_milder(hard: tuple[int, Decimal, int], soft: tuple[int, Decimal, int]) -> bool:
    """Tell whether the first is at least as hard in each of the three."""
    return hard[0] >= soft[0] and hard[1] >= soft[1] and hard[2] >= soft[2]


@given(rules(), findings(), st.integers())
def test_the_order_of_rules_never_matters(
    drawn: list[Rule], finding: dict[str, object], seed: int
) -> None:
    """A rule that another one hides would be found by nobody who reads it."""
    mixed = drawn.copy()
    random.Random(seed).shuffle(mixed)  # noqa: S311 - no secret
    receipt = receipt_of("ADVERSE", finding)

    assert decide(of_rules(drawn), receipt) == decide(of_rules(mixed), receipt)


@given(rules(), findings(), st.sampled_from(Action), st.data())
def test_adding_a_rule_never_loosens(
    drawn: list[Rule], finding: dict[str, object], floor: Action, data: st.DataObject
) -> None:
    """Whoever adds a rule must not open a door by it."""
    fewer = (
        data.draw(st.lists(st.sampled_from(drawn), unique_by=lambda one: one.id)) if drawn else []
    )

    more, less = (strictness(of_rules(some, floor), finding) for some in (drawn, fewer))

    assert no_milder(more, less)


@given(rules(), findings(), st.sampled_from(BANDS), st.data())
def test_a_worse_band_never_gives_a_milder_decision(
    drawn: list[Rule], finding: dict[str, object], name: str, data: st.DataObject
) -> None:
    """A borrower must not fare better by paying worse."""
    order = DOMAINS[name].order
    days = finding["velocity"]
    short = name.removeprefix("velocity_")
    now = days[short] if short != name and isinstance(days, dict) else finding[name]
    place = order.index(now)
    worse = order[: place + 1] if name in BETTER_ABOVE else order[place:]
    value = data.draw(st.sampled_from(worse))
    changed = (
        {**finding, "velocity": {**days, short: value}}
        if short != name and isinstance(days, dict)
        else {**finding, name: value}
    )
    if (
        name == "months_since_worst"
    ):  # `none` scores 0 and arrears of long ago score less: the grade is no part of this.
        drawn = [one for one in drawn if all(each.field != "grade" for each in one.when)]

    hard, soft = (strictness(of_rules(drawn), one) for one in (changed, finding))

    assert no_milder(hard, soft)


@given(st.lists(st.sampled_from(Action)))
def test_the_strictest_is_as_strict_as_any(actions: list[Action]) -> None:
    """The order of decisions is that of the list, and nothing is milder than nothing."""
    assert max([0, *(one.strictness for one in actions)]) == strictest(actions).strictness
