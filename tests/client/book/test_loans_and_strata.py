"""What follows from one row: bucket, state, class, stage; and whom collection leaves alone."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange_client.book.collecting import (
    CALLS,
    FLAGS,
    TIERS,
    WORSENING,
    Event,
    misplaced,
    strata,
    strata_table,
    treatment_of,
)
from exchange_client.book.loans import STATES, Loan
from exchange_client.book.reading import read_book
from tests.support.life.books import loan, write

MONTH = "2026-03"
TODAY = date(2026, 4, 2)


def read(folder: Path, *rows: dict[str, object]) -> dict[str, Loan]:
    """Return the loans of a book of these rows."""
    return dict(read_book([write(folder / "book.ndjson", rows)]).loans)


# What is told: days late, status, five-class. What follows: tier, state, class, stage.
FOLLOWS = (
    ((0, "CURRENT", 1), ("M0", "0", 1, 1)),
    ((0, "CURRENT", 2), ("M0", "0", 2, 2)),
    ((0, "CURRENT", 3), ("M0", "0", 3, 3)),
    ((1, "OVERDUE", None), ("M1", "1", 2, 2)),
    ((30, "OVERDUE", None), ("M1", "1", 2, 2)),
    ((31, "OVERDUE", None), ("M2", "2", 2, 2)),
    ((60, "OVERDUE", None), ("M2", "2", 2, 2)),
    ((61, "OVERDUE", None), ("M3", "3", 2, 2)),
    ((90, "OVERDUE", None), ("M3", "3", 2, 2)),
    ((91, "OVERDUE", None), ("M4", "4", 3, 3)),
    ((180, "OVERDUE", 4), ("M6", "6", 4, 3)),
    ((181, "LITIGATION", None), ("M7+", "7", 3, 3)),
    ((271, "OVERDUE", None), ("M7+", "7", 4, 3)),
    ((361, "OVERDUE", None), ("M7+", "7", 5, 3)),
    ((5, "CHARGED_OFF", None), ("M1", "B", 5, 3)),
    ((0, "RESTRUCTURED", 2), ("M0", "0", 2, 2)),
    ((0, "SETTLED", 1), ("M0", "C", 1, 1)),
    ((0, "GUARANTOR_PAID", 1), ("M0", "C", 1, 1)),
    ((95, "SOLD", None), ("M4", "4", 3, 3)),
)


def test_tier_state_class_and_stage_follow_from_age_and_status(tmp_path: Path) -> None:
    """A debt in the wrong class is a provision that is missing."""
    rows = [
        loan(f"acc-{n}", MONTH, days, status=status, five_class=told)
        for n, ((days, status, told), _) in enumerate(FOLLOWS)
    ]

    found = read(tmp_path, *rows)

    for n, (told, expected) in enumerate(FOLLOWS):
        one = found[f"acc-{n}"]
        assert expected == (one.tier, STATES[one.state], one.class_, one.stage), told


@pytest.mark.parametrize(
    ("tier", "calm", "worse"),
    [
        ("M0", "NONE", "NONE"),
        ("M1", "REMIND", "CALL_SOFT"),
        ("M2", "CALL_SOFT", "CALL_FIRM"),
        ("M3", "CALL_FIRM", "CALL_FIRM"),
        ("M4", "AGENCY", "AGENCY"),
        ("M6", "AGENCY", "AGENCY"),
        ("M7+", "LEGAL", "LEGAL"),
    ],
)
def test_an_event_raises_the_treatment_by_one_and_never_beyond_firm_calls(
    tier: str, calm: str, worse: str
) -> None:
    """What a borrower owes elsewhere must never bring an agency to the door."""
    assert (calm, "") == treatment_of(tier, (), raised=False)
    assert (worse, "") == treatment_of(tier, (), raised=True)


@pytest.mark.parametrize("flag", FLAGS)
def test_a_flag_decides_before_tier_and_event(flag: str) -> None:
    """The dead, the defrauded and the disputing are not called, however late they are."""
    found = {treatment_of(tier, {flag}, raised=True) for tier in TIERS}

    assert {(FLAGS[flag], flag)} == found


@given(st.sampled_from(TIERS), st.sets(st.sampled_from(sorted(FLAGS)), min_size=1), st.booleans())
def test_a_flagged_account_is_never_in_a_call_tier(
    tier: str, flags: set[str], raised: bool
) -> None:
    """One call to a dead borrower's family is one too many."""
    treatment, flag = treatment_of(tier, flags, raised=raised)

    assert treatment not in CALLS
    assert flag == next(one for one in FLAGS if one in flags)


def test_rows_flag_themselves_and_the_tier_stays(tmp_path: Path) -> None:
    """A pause or a dispute that stands in the book must not need a second list."""
    pause = {"from": "2026-03-01", "to": "2026-03-31", "cause": "RELIEF_POLICY"}
    over = {"from": "2026-03-01", "to": "2026-03-02", "cause": "DISPUTE"}
    dispute = {"from": "2026-03-20", "to": "2026-04-20", "cause": "DISPUTE"}
    late = {"oldest_unpaid_due_on": "2026-01-20", "first_overdue_on": "2026-01-21"}
    found = read(
        tmp_path,
        loan("paused", MONTH, 39, pauses=[pause], status="PAUSED", five_class=2, **late),
        loan("ended", MONTH, 68, pauses=[over], five_class=2, **late),
        loan("disputed", MONTH, 58, pauses=[dispute], five_class=2, **late),
        loan("court", MONTH, 40, status="LITIGATION"),
        loan("gone", MONTH, status="SETTLED"),
    )

    told = {one.loan.account_ref: one for one in strata(found.values(), {}, today=TODAY)}

    assert {
        "paused": ("M2", "HOLD", "PAUSED"),
        "ended": ("M3", "CALL_FIRM", ""),
        "disputed": ("M2", "HOLD", "DISPUTED"),
        "court": ("M2", "LEGAL", "LITIGATION"),
    } == {name: (one.tier, one.treatment, one.flag) for name, one in told.items()}


def test_an_event_counts_for_thirty_days_and_only_if_it_worsens(tmp_path: Path) -> None:
    """A borrower who recovered must not be chased for what was last season."""
    found = read(tmp_path, loan("a", MONTH, 10))
    cases = [(kind, days) for kind, days in product((*WORSENING, "CURED"), (-1, 0, 29, 30))]

    for kind, days in cases:
        event = Event(kind=kind, account_ref="a", day=TODAY - timedelta(days=days))
        (one,) = strata(found.values(), {}, [event, event], today=TODAY)

        raised = kind in WORSENING and 0 <= days < 30
        assert ("M1", "CALL_SOFT" if raised else "REMIND", raised) == (
            one.tier,
            one.treatment,
            one.raised,
        ), (kind, days)


def test_the_strata_tie_to_the_rows_and_guarantors_count_in_no_balance(tmp_path: Path) -> None:
    """A sum that is a cent off is a report that nobody trusts."""
    rows = [
        loan("a", MONTH, 10, balance_minor=333_333, overdue_minor=77),
        loan("b", MONTH, 40, balance_minor=500_001, overdue_minor=3),
        loan("g", MONTH, 40, balance_minor=500_001, overdue_minor=3, role="guarantor"),
    ]
    found = strata(read(tmp_path, *rows).values(), {"b": {"DECEASED"}}, today=TODAY)

    table = strata_table(found)

    assert (3, 833_334, 80) == (
        table.total.accounts,
        table.total.balance_minor,
        table.total.overdue_minor,
    )
    assert (1, 500_001) == (
        table.at("M2", "HOLD").accounts,
        table.at("M2", "HOLD").balance_minor,
    )
    assert 833_334 == sum(table.at(tier).balance_minor for tier in TIERS)


def test_only_agency_accounts_go_to_collectors_on_the_list(tmp_path: Path) -> None:
    """A collector whom nobody allowed, or an account nobody may call, is the lender's liability."""
    rows = [loan("late", MONTH, 100), loan("held", MONTH, 100), loan("soft", MONTH, 40)]
    found = strata(read(tmp_path, *rows).values(), {"held": {"VULNERABLE"}}, today=TODAY)
    placed = {"late": "good", "held": "good", "soft": "good", "away": "good"}

    wrong = misplaced(found, placed, {"good"})

    assert {"held", "soft", "away"} == wrong.keys()
    assert {"late"} == misplaced(found, {"late": "other"}, {"good"}).keys()
