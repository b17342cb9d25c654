"""The data-quality index at its edges, what it earns, and from which day."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.reciprocity import Contribution, Earned, Quality, earned
from exchange.domain.life.quality import (
    Measures,
    contribution_of,
    effective_date,
    index_of,
    quality_of,
)

SPOTLESS = Measures(
    age_days=400,
    deliveries_due=2,
    deliveries=2,
    rows=1_000,
    rejected=0,
    warned=0,
    open_records=100,
    fresh_records=100,
    clean_records=90,
    absent=0,
    disputes_ended=0,
    disputes_lost=0,
    reported_days_ago=1,
)
counts = st.integers(0, 1_000)
measures = st.builds(
    Measures,
    age_days=counts,
    deliveries_due=st.integers(0, 2),
    deliveries=st.integers(0, 2),
    rows=counts,
    rejected=counts,
    warned=counts,
    open_records=counts,
    fresh_records=counts,
    clean_records=counts,
    absent=counts,
    disputes_ended=counts,
    disputes_lost=counts,
    reported_days_ago=st.none() | counts,
)


def test_a_spotless_member_has_a_hundred() -> None:
    """The best must be reachable."""
    assert 100 == index_of(SPOTLESS).dqi


@pytest.mark.parametrize(
    ("changes", "part", "value", "dqi"),
    [
        ({"deliveries": 1}, "timely", 50, 88),  # 87.5 goes to the even 88
        ({"rejected": 100}, "valid", 90, 98),
        ({"absent": 50}, "complete", 50, 90),
        ({"fresh_records": 50}, "fresh", 50, 92),  # 92.5 goes to the even 92
        ({"warned": 100}, "plausible", 90, 99),
        ({"disputes_ended": 20, "disputes_lost": 20}, "upheld", 50, 95),
        ({"disputes_ended": 1, "disputes_lost": 1}, "upheld", 95, 100),  # 99.52
    ],
)
def test_each_part_weighs_what_the_rules_say(
    changes: dict[str, int], part: str, value: int, dqi: int
) -> None:
    """A lender must be able to compute its own index."""
    index = index_of(replace(SPOTLESS, **changes))

    assert (value, dqi) == (getattr(index, part), index.dqi)


def test_the_index_of_a_mixed_quarter_is_what_one_computes_by_hand() -> None:
    """0.25 x 50 + 0.20 x 95 + 0.20 x 90 + 0.15 x 80 + 0.10 x 80 + 0.10 x 80 = 77.5: even is 78."""
    mixed = replace(
        SPOTLESS,
        deliveries=1,
        rejected=50,
        absent=10,
        fresh_records=80,
        warned=200,
        disputes_ended=20,
        disputes_lost=8,
    )

    index = index_of(mixed)

    parts = (index.timely, index.valid, index.complete, index.fresh, index.plausible, index.upheld)
    assert ((50, 95, 90, 80, 80, 80), 78) == (parts, index.dqi)


def test_a_part_without_anything_to_measure_is_a_hundred() -> None:
    """Nobody is blamed for what could not happen."""
    nothing = replace(SPOTLESS, deliveries_due=0, rows=0, open_records=0, absent=0)

    assert 100 == index_of(nothing).dqi


@given(measures)
def test_every_part_stays_within_its_scale(counted: Measures) -> None:
    """A count that runs ahead of another must not make a lender better than perfect."""
    index = index_of(counted)

    parts = (index.timely, index.valid, index.complete, index.fresh, index.plausible)
    assert all(0 <= part <= 100 for part in (*parts, index.upheld, index.dqi))


@given(measures, st.integers(1, 50))
def test_more_faults_never_better_the_index(counted: Measures, more: int) -> None:
    """Nobody gains by reporting worse."""
    worse = replace(counted, rejected=counted.rejected + more, warned=counted.warned + more)

    assert index_of(worse).dqi <= index_of(counted).dqi


@pytest.mark.parametrize(
    ("dqi", "age_days", "expected"),
    [
        (100, 59, Quality.NEW),
        (0, 59, Quality.NEW),
        (90, 60, Quality.GOOD),
        (89, 60, Quality.FAIR),
        (75, 60, Quality.FAIR),
        (74, 60, Quality.POOR),
    ],
)
def test_classes_change_exactly_at_their_edges(dqi: int, age_days: int, expected: Quality) -> None:
    """One point must not be worth two classes."""
    assert expected is quality_of(dqi, age_days)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, Contribution.FULL_BOOK),
        ({"clean_records": 50}, Contribution.FULL_BOOK),
        ({"clean_records": 49}, Contribution.ADVERSE_ONLY),
        ({"open_records": 0}, Contribution.NONE),
        ({"reported_days_ago": 60}, Contribution.FULL_BOOK),
        ({"reported_days_ago": 61}, Contribution.NONE),
        ({"reported_days_ago": None}, Contribution.NONE),
    ],
)
def test_what_a_member_contributes_shows_in_its_book(
    changes: dict[str, int | None], expected: Contribution
) -> None:
    """A lender that reports only its bad debts must not pass for one that reports all."""
    assert expected is contribution_of(replace(SPOTLESS, **changes))  # type: ignore[arg-type]  # counts by name


@pytest.mark.parametrize(
    ("contribution", "quality", "expected"),
    [
        (Contribution.FULL_BOOK, Quality.GOOD, Earned.ALL),
        (Contribution.FULL_BOOK, Quality.FAIR, Earned.ALL),
        (Contribution.FULL_BOOK, Quality.POOR, Earned.FLAG),
        (Contribution.FULL_BOOK, Quality.NEW, Earned.ALL),
        (Contribution.ADVERSE_ONLY, Quality.GOOD, Earned.NO_VELOCITY),
        (Contribution.ADVERSE_ONLY, Quality.FAIR, Earned.NO_VELOCITY),
        (Contribution.ADVERSE_ONLY, Quality.POOR, Earned.FLAG),
        (Contribution.ADVERSE_ONLY, Quality.NEW, Earned.NO_VELOCITY),
        (Contribution.NONE, Quality.GOOD, Earned.NOTHING),
        (Contribution.NONE, Quality.POOR, Earned.NOTHING),
        (Contribution.NONE, Quality.NEW, Earned.ALL),
    ],
)
def test_who_gives_gets(contribution: Contribution, quality: Quality, expected: Earned) -> None:
    """Depth follows contribution by a table that everybody can read."""
    assert expected is earned(contribution, quality)


@pytest.mark.parametrize(
    ("announced", "holds"),
    [
        (date(2026, 12, 1), date(2027, 1, 1)),  # 31 days
        (date(2026, 12, 2), date(2027, 1, 1)),  # exactly 30 days
        (date(2026, 12, 3), date(2027, 2, 1)),
        (date(2027, 2, 1), date(2027, 4, 1)),  # February is too short
        (date(2028, 1, 31), date(2028, 3, 1)),  # 30 days in a leap year
    ],
)
def test_a_change_holds_from_the_first_that_is_thirty_days_away(
    announced: date, holds: date
) -> None:
    """A lender must be able to plan for less."""
    assert holds == effective_date(announced)


@given(st.dates(min_value=date(2020, 1, 1), max_value=date(2100, 1, 1)))
def test_every_change_is_announced_in_time_and_not_put_off(announced: date) -> None:
    """Nobody waits a quarter for what a month is enough for."""
    holds = effective_date(announced)

    assert 1 == holds.day
    assert timedelta(days=30) <= holds - announced < timedelta(days=62)
