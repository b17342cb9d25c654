"""Months past their retention are unknown by date, whether or not a purge ran."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.profiles import load_profile
from exchange.domain.life.retention import shown_history
from exchange.domain.records import Status, day, later
from exchange.domain.rows import next_payload
from exchange.domain.rows.versions import optional_day
from tests.support.rows import CN, clean_row, payload, row_of, submission

ENDED = date(2021, 3, 15)
OVER = later(ENDED, 60)


def told(history: str, as_of: date, **changes: object) -> str:
    """Return what is shown of a history on the day that `today` names."""
    today = changes.pop("today")
    assert isinstance(today, date)
    kept = msgspec.structs.replace(payload(history, as_of=as_of), **changes)
    return shown_history(kept, CN, today)


@pytest.mark.parametrize(("days", "shown"), [(-1, "N2"), (0, "##"), (1, "##")])
def test_an_episode_is_hidden_on_the_day_its_retention_ends(days: int, shown: str) -> None:
    """One day too long is one day too long (CRR art. 16)."""
    changes = {"first_overdue_on": day(date(2021, 2, 1)), "ended_on": day(ENDED)}

    history = told("N2", date(2021, 3, 31), today=OVER + timedelta(days=days), **changes)

    assert shown[1] == history[1]


@pytest.mark.parametrize(("today", "shown"), [(30, "N2"), (31, "N#")])
def test_an_episode_that_months_alone_tell_of_ends_with_its_last_one(
    today: int, shown: str
) -> None:
    """Whoever kept no exact day keeps to the last day it can have been."""
    assert shown == told("N2", date(2021, 4, 15), today=date(2026, 3, today))


def test_an_older_episode_goes_before_a_newer_one() -> None:
    """Each arrear has a clock of its own."""
    history = "N" * 10 + "2" + "N" * 46 + "31N"
    as_of = date(2026, 3, 31)

    shown = told(history, as_of, today=date(2026, 8, 1))

    assert history[:57] + "###"[: len(history) - 57] == shown
    assert "2" in shown


def test_what_still_runs_is_never_hidden() -> None:
    """No clock runs while the debt does (CRR art. 16)."""
    running = {"first_overdue_on": day(date(2020, 1, 5)), "ended_on": None}

    shown = told("7" * 60, date(2026, 3, 31), today=date(2030, 1, 1), **running)

    assert "7" * 60 == shown


@given(
    st.text(alphabet="N123#M*", min_size=1, max_size=60),
    st.dates(min_value=date(2026, 4, 1), max_value=date(2045, 1, 1)),
    st.integers(0, 4_000),
)
def test_time_only_ever_hides(history: str, today: date, days: int) -> None:
    """What was forgotten must not come back."""
    before = told(history, date(2026, 3, 31), today=today)

    after = told(history, date(2026, 3, 31), today=today + timedelta(days=days))

    assert len(history) == len(after)
    assert all(new in ("#", old) for old, new in zip(before, after, strict=True))


@given(st.text(alphabet="N123#M*", min_size=1, max_size=60))
def test_in_the_end_nothing_late_is_told(history: str) -> None:
    """Five years after the last month every arrear is forgotten."""
    shown = told(history, date(2026, 3, 31), today=date(2031, 4, 1))

    assert not set("123") & set(shown)


def test_a_profile_that_counts_from_the_first_overdue_day_hides_sooner() -> None:
    """Seven years from the delinquency, not from its end (FCRA, section 605)."""
    us = replace(CN, retention_from="first_overdue_on", retention_years=1)
    kept = payload("N" + "2" * 14, as_of=date(2026, 3, 31))

    shown = shown_history(kept, us, date(2026, 3, 31))

    assert "N" + "#" * 14 == shown or "#" * 15 == shown


@pytest.mark.parametrize(("profile", "stored"), [("US", "N####"), ("CN", "NN777")])
def test_months_whose_retention_is_over_are_not_even_stored_anew(profile: str, stored: str) -> None:
    """What may no longer be told must not lie in the newest version either (FCRA section 605)."""
    long_ago, cured = day(date(2018, 1, 1)), date(2026, 2, 28)
    kept = msgspec.structs.replace(
        payload("N777", as_of=cured), first_overdue_on=long_ago, ended_on=day(cured)
    )

    stands = next_payload(clean_row(), kept, submission(profile=load_profile(profile)))

    assert stored == stands.history


@pytest.mark.parametrize(("days", "stored"), [(-1, "N2"), (0, "N#")])
def test_a_month_is_stored_no_more_on_the_very_day_its_retention_ends(
    days: int, stored: str
) -> None:
    """A year's retention, as sixty months of history would end with five years anyhow."""
    brief = replace(CN, retention_years=1)
    today = later(ENDED, 12) + timedelta(days=days)
    kept = msgspec.structs.replace(
        payload("2", as_of=ENDED), first_overdue_on=day(date(2021, 2, 1)), ended_on=day(ENDED)
    )
    row = clean_row(as_of=today.isoformat(), opened_on="2020-01-10")

    stands = next_payload(row, kept, submission(today=today, profile=brief))

    assert stored == stands.history[0] + stands.history[-1]


@pytest.mark.parametrize(
    ("status", "changes"),
    [
        ("SETTLED", {"status_on": "2026-03-10", "closed_on": "2026-03-10"}),
        ("CURRENT", {}),
    ],
)
def test_the_clock_runs_from_the_day_it_was_paid_and_not_from_the_day_it_was_told(
    status: str, changes: dict[str, object]
) -> None:
    """A lender that tells of a payment three weeks late must not keep it three weeks longer."""
    late = next_payload(row_of(as_of="2026-03-01"), None, submission())
    told = {"as_of": "2026-03-31", "status": status, "balance_minor": 0, **changes}

    stands = next_payload(clean_row(**told), late, submission())

    paid = date(2026, 3, 10) if status == "SETTLED" else date(2026, 3, 31)
    due = day(later(paid, 60)) if status == "SETTLED" else None  # An open account stays.
    assert (day(paid), due) == (stands.ended_on, stands.purge_on)


@pytest.mark.parametrize(
    ("history", "first"), [("11", date(2026, 2, 20)), ("1N", None)], ids=["traced", "amended away"]
)
def test_a_correction_ends_an_arrear_as_long_as_a_late_month_tells_of_it(
    history: str, first: date | None
) -> None:
    """An amended state must not make five years begin anew, nor a wrong arrear last for them."""
    kept = msgspec.structs.replace(
        payload(history, as_of=date(2026, 3, 31), status=Status.OVERDUE, dpd=20),
        first_overdue_on=day(date(2026, 2, 20)),
        ended_on=None,
    )

    stands = next_payload(clean_row(reason="AMEND"), kept, submission())

    assert (optional_day(first), None if first is None else day(date(2026, 3, 31))) == (
        stands.first_overdue_on,
        stands.ended_on,
    )
