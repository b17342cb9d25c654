"""Why a record goes, how it is named in the certificate, and what goes beside it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from consent.profiles import load_profile
from exchange.domain.life.purging import Cause, bounds_of, cause_of, version_entry
from exchange.domain.records import Status

NOW = int(datetime(2026, 3, 31, 12, tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("status", "suppressed", "cause"),
    [
        (Status.SETTLED, False, Cause.RETENTION),
        (Status.OVERDUE, True, Cause.WITHDRAWN),
        (Status.DELETED_ERROR, False, Cause.DELETE_ERROR),
        (Status.DELETED_FRAUD, False, Cause.DELETE_FRAUD),
        (Status.DELETED_FRAUD, True, Cause.DELETE_FRAUD),  # It never comes back, withdrawn or not.
    ],
)
def test_a_record_goes_for_one_cause(status: Status, suppressed: bool, cause: Cause) -> None:
    """The certificate must not call a lender's error the end of a term."""
    assert cause is cause_of(status, suppressed=suppressed)


def test_a_removed_version_is_named_by_20_bytes() -> None:
    """Whoever computes the root of a certificate anew writes the same leaves."""
    record = UUID("019a0000-0000-7000-8000-000000000001")

    assert "019a0000000070008000000000000001" + "00000102" == version_entry(record, 258).hex()


def test_leftovers_go_with_their_days() -> None:
    """Five years for what was replaced, 90 days for a dispute, as set for faults (CN)."""
    bounds = bounds_of(load_profile("CN"), date(2026, 3, 31), NOW, 30)

    days = [(NOW - moment) / 86_400 for moment in (bounds.disputes, bounds.faults)]
    five_years = int(datetime(2021, 3, 31, 12, tzinfo=UTC).timestamp())
    assert [90, 30] == days
    assert five_years == bounds.superseded
    assert five_years * 1_000 == bounds.superseded_id.int >> 80  # the milliseconds of a UUIDv7
