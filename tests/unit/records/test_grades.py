"""Grades: server and SDK on the same vectors, and no worse band ever lowers a score."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.domain.grades import REASONS_MAX, grade, letter
from exchange_client import grades as client

VECTORS = json.loads((Path(__file__).parents[2] / "vectors/points_v1.json").read_text())
BEST_FIRST: dict[str, list[Any]] = {
    "current_bucket": list(range(8)),
    "late_months": ["0", "1", "2", "3-5", "6+"],
    "overdue_amount_band": list(range(6)),
    "lender_band": ["0", "1", "2", "3+"],
    "velocity": ["0", "1", "2", "3-4", "5-9", "10+"],
}
# Worst bucket and its age are one band of two words: without arrears there is no age.
WORST: list[tuple[int, str]] = [
    (0, "none"),
    *((bucket, age) for bucket in range(1, 8) for age in ("24+", "12-23", "6-11", "3-5", "0-2")),
]


def finding(values: dict[str, Any]) -> dict[str, Any]:
    velocity = {"7": "0", "30": values["velocity"], "90": "10+"}
    return {**values, "velocity": velocity, "dispute": False}


bands = st.fixed_dictionaries({name: st.sampled_from(order) for name, order in BEST_FIRST.items()})
worst = st.sampled_from(WORST)


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["why"])
def test_server_and_sdk_give_the_grade_of_the_vector(case: dict[str, Any]) -> None:
    """A lender that recomputes a grade from its receipt must get the one that was signed."""
    expected = (case["score"], case["grade"], tuple(case["reasons"]))

    assert expected == tuple(grade(case["finding"]))
    assert expected == tuple(client.grade_of(case["finding"]))


@given(bands, worst)
def test_server_and_sdk_agree_on_every_finding(
    values: dict[str, Any], of_worst: tuple[int, str]
) -> None:
    """Two implementations, one grade."""
    asked = finding(values) | {"worst_bucket": of_worst[0], "months_since_worst": of_worst[1]}

    assert tuple(grade(asked)) == tuple(client.grade_of(asked))


@given(bands, worst, st.data())
def test_a_worse_band_never_lowers_the_score(
    values: dict[str, Any], of_worst: tuple[int, str], data: st.DataObject
) -> None:
    """More arrears must never buy a better grade."""
    name = data.draw(st.sampled_from(list(BEST_FIRST)))
    order = BEST_FIRST[name]
    better, worse = sorted(data.draw(st.tuples(*[st.integers(0, len(order) - 1)] * 2)))
    old = {"worst_bucket": of_worst[0], "months_since_worst": of_worst[1]}

    low, high = (grade(finding(values | {name: order[at]}) | old).score for at in (better, worse))

    assert low <= high


@pytest.mark.parametrize("age", ["24+", "12-23", "6-11", "3-5", "0-2"])
def test_worse_or_fresher_arrears_never_lower_the_score(age: str) -> None:
    """Nor may a deeper bucket of the same age, nor a fresher one, nor any against none."""
    scores = [grade({"worst_bucket": b, "months_since_worst": age}).score for b in range(1, 8)]
    ages = ("24+", "12-23", "6-11", "3-5", "0-2")
    by_age = [grade({"worst_bucket": 1, "months_since_worst": each}).score for each in ages]

    assert sorted(scores) == scores
    assert sorted(by_age) == by_age
    assert grade({"worst_bucket": 0, "months_since_worst": "none"}).score <= min(scores)


def test_letters_change_exactly_at_their_edges() -> None:
    """One point more or less decides a letter, and a letter may decide a loan."""
    expected = "A" + "B" * 19 + "C" * 10 + "D" * 10 + "E" * 15 + "F" * 46

    assert expected == "".join(letter(score) for score in range(101))


def test_a_dispute_never_adds_points() -> None:
    """Whoever disputes a record must not pay for it."""
    for case, disputed in itertools.product(VECTORS["cases"][:20], (True, False)):
        assert case["score"] == grade(case["finding"] | {"dispute": disputed}).score


def test_at_most_four_reasons_are_told() -> None:
    """Ten reasons explain nothing."""
    worst_of_all = next(c for c in VECTORS["cases"] if c["why"] == "the worst of everything")

    assert REASONS_MAX == len(grade(worst_of_all["finding"]).reasons)
