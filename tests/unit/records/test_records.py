"""Statuses, buckets, classes, retention, and the payload that lies under the seal."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.profiles import load_profile
from exchange.domain.records import (
    BEFORE,
    DELETED,
    OPEN,
    TERMINAL,
    Episode,
    Status,
    bucket,
    class_floor,
    date_of,
    day,
    decode_payload,
    encode_payload,
    later,
    month,
    month_text,
    purge_date,
    status_bucket,
    today_in,
)
from exchange.errors import IntegrityError
from tests.support.rows import CN, payload

BUCKETS = json.loads((Path(__file__).parents[2] / "vectors/buckets_v1.json").read_text())["cases"]
days = st.integers(min_value=0, max_value=20_000)


@pytest.mark.parametrize("case", BUCKETS, ids=lambda case: str(case["dpd"]))
def test_every_bucket_and_class_edge_is_where_the_vectors_say(case: dict[str, int]) -> None:
    """A day's shift of an edge would grade thousands of borrowers wrongly."""
    assert case["bucket"] == bucket(case["dpd"])
    assert case["class_floor"] == class_floor(Status.OVERDUE, case["dpd"])


@given(days, days)
def test_more_days_never_make_a_better_bucket_or_class(one: int, other: int) -> None:
    """A borrower who pays later must not look better for it."""
    less, more = sorted((one, other))

    assert bucket(less) <= bucket(more)
    assert class_floor(Status.OVERDUE, less) <= class_floor(Status.OVERDUE, more)


def test_a_charge_off_is_the_worst_bucket_and_class_at_any_age() -> None:
    """A loan given up early must not show as one month late."""
    assert status_bucket(Status.CHARGED_OFF, 1) == 7
    assert class_floor(Status.CHARGED_OFF, 1) == 5
    assert class_floor(Status.RESTRUCTURED, 0) == 2


def test_nothing_follows_a_terminal_status_but_a_deletion() -> None:
    """A settled loan that comes back to life would haunt its borrower."""
    for status, before in BEFORE.items():
        assert before & TERMINAL == (TERMINAL - DELETED if status in DELETED else set())


def test_only_open_statuses_may_be_a_records_first() -> None:
    """A loan that was never reported open has no end to report."""
    first = {status for status, before in BEFORE.items() if None in before}

    assert first == OPEN


@pytest.mark.parametrize(
    ("start", "months", "expected"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2024, 2, 29), 48, date(2028, 2, 29)),
        (date(2026, 12, 15), 1, date(2027, 1, 15)),
        (date(2026, 11, 30), 3, date(2027, 2, 28)),
    ],
)
def test_months_are_counted_to_the_same_day_or_the_last(
    start: date, months: int, expected: date
) -> None:
    """Retention that ends a day late keeps what the law wants gone."""
    assert expected == later(start, months)


def test_retention_runs_from_what_the_profile_names() -> None:
    """The wrong clock keeps a record years too long, or drops it years too early."""
    ran = Episode(first_overdue_on=date(2024, 1, 10), ended_on=date(2025, 6, 1))
    runs = Episode(first_overdue_on=date(2024, 1, 10), ended_on=None)
    us, uk = load_profile("US"), load_profile("UK")

    assert date(2030, 6, 1) == ran.purge_on(CN)
    assert runs.purge_on(CN) is None
    assert date(2031, 1, 10) == ran.purge_on(us) == runs.purge_on(us)
    assert date(2030, 4, 9) == ran.purge_on(uk) == runs.purge_on(uk)  # 90 days, then 6 years


def test_a_record_goes_with_its_last_episode_or_after_its_closing() -> None:
    """A never-adverse account kept for ever is data nobody needs."""
    ended = Episode(first_overdue_on=date(2024, 1, 10), ended_on=date(2025, 6, 1))

    assert purge_date(None, None, CN) is None
    assert date(2028, 3, 1) == purge_date(None, date(2026, 3, 1), CN)
    assert date(2030, 6, 1) == purge_date(ended, date(2025, 6, 1), CN)
    assert purge_date(ended, None, CN) is None  # cured and open: only its months go


def test_a_day_belongs_to_the_members_time_zone() -> None:
    """A row of today must not be refused as tomorrow's because the server stands elsewhere."""
    moment = 1_774_958_399  # 2026-03-31T11:59:59Z

    assert date(2026, 3, 31) == today_in("UTC", moment)
    assert date(2026, 4, 1) == today_in("Pacific/Kiritimati", moment)
    assert date(2026, 3, 31) == today_in("Asia/Shanghai", moment)


@given(st.dates(min_value=date(1900, 1, 1), max_value=date(2199, 12, 31)))
def test_days_and_months_count_back_to_their_date(when: date) -> None:
    """A record must come back from the seal with the days it went in with."""
    assert when == date_of(day(when))
    assert when.isoformat()[:7] == month_text(month(when))


def test_a_payload_survives_the_seal_and_fits_the_smallest_padding() -> None:
    """A record of five years of history should cost 256 bytes and say the same afterwards."""
    made = payload("N" * 60, status=Status.OVERDUE, dpd=35, overdue_minor=10**15)

    sealed = encode_payload(made)

    assert made == decode_payload(sealed)
    assert len(sealed) <= 254


@pytest.mark.parametrize("content", [b"", b"\xc0", encode_payload(payload())[:-1], b"\x93\x01"])
def test_what_is_no_payload_is_an_integrity_fault(content: bytes) -> None:
    """Damaged storage must stop the answer, never read as a clean record."""
    with pytest.raises(IntegrityError):
        decode_payload(content)
