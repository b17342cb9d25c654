"""The words of a notice before a listing: registered ones, not yet retired when they were sent."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exchange.domain.rows import check_against_stored
from tests.support.rows import parsed, row_fields, submission

NOTICE = {"channel": "SMS", "template": "ntc_1:1.0", "delivery": "SENT", "sent_at": 1_700_000_000}
SUBJECT = b"subject"


@pytest.mark.parametrize(
    ("templates", "flaws"),
    [
        (None, []),  # Whoever does not know the registry cannot judge.
        ({}, ["row.notice_template"]),
        ({"ntc_1:1.1": None, "ntc_2:1.0": None}, ["row.notice_template"]),
        ({"ntc_1:1.0": None}, []),
        ({"ntc_1:1.0": 1_700_000_000}, ["row.notice_template"]),
        ({"ntc_1:1.0": 1_700_000_001}, []),
    ],
)
def test_a_first_adverse_row_names_a_registered_notice(
    templates: dict[str, int | None] | None, flaws: list[str]
) -> None:
    """A borrower who was told in words that nobody approved was not told."""
    row = parsed(row_fields(notice=NOTICE))

    found = check_against_stored(
        row, SUBJECT, "ep_1", None, replace(submission(), templates=templates)
    )

    assert flaws == [flaw.code for flaw in found]
