"""The history string: what can stand beside what, and how it grows from row to row."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.domain.history import (
    HistoryConflict,
    amend_history,
    extend_history,
    hidden,
    is_possible,
    length_max,
    levels,
    state_now,
)
from exchange.domain.records import Status, date_of
from exchange.domain.rows import next_payload
from tests.support.rows import clean_row, row_of, submission

JAN, FEB, MAR = date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31)
MID_FEB = date(2026, 2, 10)
LEVEL = {str(n): n for n in range(1, 8)} | dict.fromkeys("BDZ", 7)
characters = st.text(alphabet="N*MA1234567BDZCG#/", min_size=1, max_size=60)


def naive_possible(history: str) -> bool:
    """The rules of neighbours, one by one, oldest month first."""
    for older, newer in zip(history[:0:-1], history[-2::-1], strict=True):
        rise = LEVEL[newer] - LEVEL.get(older, 0) if newer.isdigit() else 0
        if rise > 2 and older in "N*MA/1234567":
            return False
        if older == "B" and newer not in "BDZGC":
            return False
        if older in "DZGC" or (newer == "/" and older != "/"):
            return False
    return True


@given(characters)
def test_neighbours_are_judged_as_the_rules_say(history: str) -> None:
    """An impossible history is somebody's mistake, and must not become somebody's grade."""
    assert naive_possible(history) == is_possible(history)


@given(characters, st.integers(0, 60))
def test_levels_are_those_of_the_newest_months_without_the_clean_tail(
    history: str, months: int
) -> None:
    """The answer reads months by their place."""
    expected = [LEVEL.get(character, 0) for character in history[:months]]

    found = list(levels(history, months))

    assert expected == found + [0] * (len(expected) - len(found))
    assert not found or found[-1]


def test_what_the_rows_skip_is_unknown() -> None:
    """A lender that was silent for two months said nothing about them."""
    assert "N##1N" == extend_history("1N", date(2025, 12, 31), "", MAR, "N")


def test_a_newer_state_of_the_same_month_replaces_the_older() -> None:
    """The month's character is where it stands now."""
    assert "MNN" == extend_history("1NN", MID_FEB, "", FEB, "M")


def test_the_rows_own_history_fills_what_was_unknown_and_only_that() -> None:
    """A silent month may be told later; a told one may not be retold."""
    assert "NM1N" == extend_history("1N", JAN, "NM", MAR, "N")
    assert "N1N" == extend_history("1N", FEB, "N#", MAR, "N")
    with pytest.raises(HistoryConflict):
        extend_history("1N", FEB, "NM", MAR, "N")


def test_a_month_that_was_still_running_may_end_otherwise() -> None:
    """A row of the 10th knows nothing of the 28th."""
    assert "N2N" == extend_history("1N", MID_FEB, "N2", MAR, "N")
    with pytest.raises(HistoryConflict):
        extend_history("1N", FEB, "N2", MAR, "N")


def test_an_amendment_has_the_last_word_and_may_go_back() -> None:
    """A wrong month must be correctable, or the borrower pays for it for years."""
    assert "NMN" == amend_history("11N", MAR, "NM", MAR, "N")
    assert "MN" == amend_history("11N", MAR, "M", FEB, "M")


def test_months_past_their_retention_are_hidden() -> None:
    """What the law wants gone must not live on inside a longer history."""
    assert "NN###" == hidden("NN12N", 100, 98)
    assert "#####" == hidden("NN12N", 100, 100)
    assert "NN12N" == hidden("NN12N", 100, 90)


def test_no_account_has_more_months_than_it_has_lived() -> None:
    """A history longer than the loan is another loan's."""
    assert 1 == length_max(date(2026, 3, 30), MAR)
    assert 2 == length_max(FEB, MAR)
    assert 60 == length_max(date(2010, 1, 1), MAR)


@pytest.mark.parametrize(
    ("status", "dpd", "expected"),
    [
        (Status.CURRENT, 0, "N*MA"),
        (Status.OVERDUE, 31, "2B"),
        (Status.LITIGATION, 400, "7B"),
        (Status.PAUSED, 0, "N*"),
        (Status.PAUSED, 5, "1"),
        (Status.RESTRUCTURED, 0, "N*"),
        (Status.CHARGED_OFF, 3, "B"),
        (Status.GUARANTOR_PAID, 0, "D"),
        (Status.ASSET_SETTLED, 0, "Z"),
        (Status.SETTLED, 0, "C"),
        (Status.SOLD, 50, "G"),
    ],
)
def test_each_status_has_its_characters(status: Status, dpd: int, expected: str) -> None:
    """Status and history of one row must tell one story."""
    assert expected == state_now(status, dpd)


def test_the_exchange_keeps_its_own_history_month_by_month() -> None:
    """Lenders that send no history still leave one."""
    first = next_payload(clean_row(as_of="2026-01-31"), None, submission())
    second = next_payload(row_of(as_of="2026-02-28"), first, submission())
    third = next_payload(clean_row(), second, submission())

    assert ["N", "1N", "N1N"] == [first.history, second.history, third.history]
    assert third.ended_on is not None
    assert date(2026, 3, 31) == date_of(third.ended_on)
    assert not third.episode_runs
    assert second.episode_runs


def test_an_arrear_cured_within_its_month_was_paid_late() -> None:
    """A month that was late and ended well is neither late nor on time."""
    late = row_of(as_of="2026-03-10", oldest_unpaid_due_on="2026-03-01", dpd=9)
    kept = next_payload(late, None, submission())

    assert "M" == next_payload(clean_row(), kept, submission()).history


def test_an_account_given_up_stays_so_in_court() -> None:
    """A charge-off that turns back into days past due would look like a recovery."""
    off = clean_row(as_of="2026-01-31")
    kept = next_payload(off, None, submission())
    dates = {"oldest_unpaid_due_on": "2026-02-01", "first_overdue_on": "2026-02-02"}
    charged = row_of(
        as_of="2026-02-28",
        status="CHARGED_OFF",
        status_on="2026-02-28",
        five_class=5,
        dpd=27,
        **dates,
    )
    kept = next_payload(charged, kept, submission())

    court = next_payload(
        row_of(status="LITIGATION", status_on="2026-03-01", dpd=58, **dates), kept, submission()
    )

    assert "BBN" == court.history
