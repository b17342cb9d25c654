"""The pure rules of a dispute: which step may follow, its days, its words."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import product

import pytest

from consent.profiles import load_profile
from exchange.domain.life.disputes import (
    ANSWERS,
    RUNNING,
    DisputeEvent,
    DisputeState,
    Result,
    days_late,
    due_date,
    is_plain,
    may_reopen,
    next_state,
    outcome,
    overdue_from,
)

OPEN, ANSWERED, CLOSED, WITHDRAWN = DisputeState
DAY = date(2026, 3, 1)


def test_a_dispute_takes_these_steps_and_no_other() -> None:
    """A step out of turn would start a clock that is over, or end one that runs."""
    steps = {
        (OPEN, DisputeEvent.ADD_FACTS): OPEN,
        (OPEN, DisputeEvent.ANSWER): ANSWERED,
        (OPEN, DisputeEvent.CLOSE): WITHDRAWN,
        (ANSWERED, DisputeEvent.CLOSE): CLOSED,
        (CLOSED, DisputeEvent.REOPEN): OPEN,
    }

    taken = {step: next_state(*step) for step in product(DisputeState, DisputeEvent)}

    assert steps == {step: state for step, state in taken.items() if state}
    assert {OPEN, ANSWERED} == RUNNING


def test_a_member_may_give_every_result_but_that_nobody_agrees() -> None:
    """UNRESOLVED is what remains, not what a member says."""
    assert {*Result} - {Result.UNRESOLVED} == ANSWERS


@pytest.mark.parametrize("answer", sorted(ANSWERS))
@pytest.mark.parametrize("agreed", [True, False])
def test_only_an_answer_that_corrects_nothing_needs_agreement(answer: Result, agreed: bool) -> None:
    """A lender's word against the borrower's is no result; a correction is one."""
    contested = answer is Result.ACCURATE and not agreed

    assert (Result.UNRESOLVED if contested else answer) is outcome(answer, agreed=agreed)


@pytest.mark.parametrize(
    ("profile", "extended", "due_on", "overdue_at"),
    [
        ("CN", False, date(2026, 3, 21), datetime(2026, 3, 21, 16, tzinfo=UTC)),
        ("US", False, date(2026, 3, 31), datetime(2026, 4, 1, 4, tzinfo=UTC)),
        ("US", True, date(2026, 4, 15), datetime(2026, 4, 16, 4, tzinfo=UTC)),
    ],
)
def test_the_clock_ends_with_the_last_day_where_the_profile_is_at_home(
    profile: str, extended: bool, due_on: date, overdue_at: datetime
) -> None:
    """20 days in Shanghai, 30 or 45 in New York: to the second, from midnight there."""
    law = load_profile(profile)

    due = due_date(DAY, law, extended=extended)

    assert (due_on, int(overdue_at.timestamp())) == (due, overdue_from(due, law))


@pytest.mark.parametrize(
    ("day", "late", "reopens"), [(1, 0, True), (31, 30, True), (32, 31, False)]
)
def test_days_are_counted_from_the_day_after(day: int, late: int, reopens: bool) -> None:
    """The last day is still in time; what came early is not owed for."""
    on = date.fromordinal(DAY.toordinal() + day - 1)

    assert (late, 0, reopens) == (days_late(DAY, on), days_late(on, DAY), may_reopen(DAY, on))


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("x", True),
        ("x" * 10, True),
        ("逾" * 10, True),
        ("two\nlines", True),
        ("x" * 11, False),
        ("", False),
        (" \n ", False),
        ("tab\t", False),
        ("return\r", False),
        ("zero\u200b", False),
        ("over\u202e", False),
    ],
)
def test_a_text_is_short_and_prints(text: str, plain: bool) -> None:
    """What does not print could change what the other side reads."""
    assert plain is is_plain(text, 10)
