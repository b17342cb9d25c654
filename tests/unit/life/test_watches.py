"""Which events two looks of a watch make, and what the watch remembers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.purposes import FINDING_FIELDS, PURPOSES, Purpose
from exchange.domain.findings import Answer, Finding, Outcome, VelocityBands
from exchange.domain.outward.events import EventKind
from exchange.domain.outward.watches import (
    KINDS,
    Seen,
    changes,
    remembered,
    seen_in,
    told_under,
)

_BANDS = {
    "current_bucket": st.integers(0, 7),
    "lender_band": st.sampled_from(["0", "1", "1+", "2", "3+"]),
    "velocity": st.sampled_from(["0", "1", "2", "3-4", "5-9", "10+"]),
    "dispute": st.booleans(),
    "grade": st.sampled_from("ABCDEFU"),
}
SEEN = st.fixed_dictionaries({}, optional=_BANDS)


@pytest.mark.parametrize(
    ("band", "before", "after", "kind"),
    [
        ("current_bucket", 0, 1, "ENTERED_ARREARS"),
        ("current_bucket", 0, 7, "ENTERED_ARREARS"),
        ("current_bucket", 1, 2, "BUCKET_UP"),
        ("current_bucket", 3, 1, "BUCKET_DOWN"),
        ("current_bucket", 1, 0, "CURED"),
        ("current_bucket", 2, 2, None),
        ("lender_band", "0", "1", "NEW_LENDER"),
        ("lender_band", "0", "1+", "NEW_LENDER"),
        ("lender_band", "1", "2", "NEW_LENDER"),
        ("lender_band", "2", "3+", "NEW_LENDER"),
        ("lender_band", "3+", "1", None),
        ("lender_band", "1", "1+", None),  # fewer contribute by now: nothing rose
        ("lender_band", "1+", "3+", None),  # more contribute by now: nobody knows
        ("velocity", "2", "3-4", "MANY_QUERIES"),
        ("velocity", "0", "10+", "MANY_QUERIES"),
        ("velocity", "0", "2", None),
        ("velocity", "3-4", "5-9", None),
        ("velocity", "10+", "0", None),
        ("dispute", False, True, "DISPUTE_CHANGED"),
        ("dispute", True, False, "DISPUTE_CHANGED"),
        ("grade", "A", "B", "GRADE_CHANGED"),
        ("grade", "B", "U", "GRADE_CHANGED"),
    ],
)
def test_a_change_of_a_band_makes_its_event(
    band: str, before: object, after: object, kind: str | None
) -> None:
    """A lender acts on the word alone: another word is another act."""
    assert ([kind] if kind else []) == changes({band: before}, {band: after}, KINDS)
    assert [] == changes({}, {band: after}, KINDS)
    assert [] == changes({band: before}, {}, KINDS)


@given(SEEN, SEEN, st.sets(st.sampled_from(KINDS)))
def test_the_same_look_makes_no_event_and_none_is_made_that_was_not_asked_for(
    before: Seen, after: Seen, kinds: set[EventKind]
) -> None:
    """News that is none teaches people to look away."""
    found = changes(before, after, kinds)

    assert set(found) <= kinds
    assert [] == changes(before, before, KINDS)
    assert [] == changes(remembered(before, after, ()), after, KINDS)
    assert found == changes(remembered(before, after, found), after, found)


def test_where_nobody_reports_anything_nobody_reports_an_arrear() -> None:
    """Who is first heard of elsewhere when it falls behind has fallen behind."""
    none = _answer(Outcome.NO_DATA, Finding(velocity=VelocityBands("0", "1", "2"), dispute=False))
    late = _answer(Outcome.ADVERSE, Finding(current_bucket=2, lender_band="1", dispute=False))
    fields = FINDING_FIELDS - {"velocity"}

    before, after = seen_in(none, FINDING_FIELDS), seen_in(late, fields)

    assert {"current_bucket": 0, "lender_band": "0", "velocity": "1", "dispute": False} == before
    assert ["ENTERED_ARREARS", "NEW_LENDER"] == changes(before, after, KINDS)
    # What this look may not show is remembered as it was seen last.
    assert "1" == remembered(before, after, ())["velocity"]
    assert {"dispute": False} == seen_in(late, {"dispute", "freshest_month"})


@pytest.mark.parametrize(
    ("purpose", "fields", "absent"),
    [
        ("account_review", FINDING_FIELDS, set()),
        ("account_review", {"velocity"}, set(KINDS) - {"MANY_QUERIES"}),
        (
            "portfolio_monitoring",
            PURPOSES[Purpose.PORTFOLIO_MONITORING].fields,
            {"NEW_LENDER", "MANY_QUERIES", "GRADE_CHANGED"},
        ),
    ],
)
def test_a_watch_is_told_of_what_its_purpose_shows(
    purpose: str, fields: set[str], absent: set[str]
) -> None:
    """A watch for what it can never be told of would be silent for ever, and nobody would know."""
    assert set(KINDS) - absent == told_under(Purpose(purpose), fields)


def _answer(outcome: Outcome, finding: Finding) -> Answer:
    return Answer(
        outcome=outcome, reason="permitted", finding=finding, grade=None, reasons=(), limits=()
    )
