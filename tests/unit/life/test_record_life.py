"""Whole lives of an account, row by row, beside a naive account of the same days.

The reference below knows nothing of how the exchange counts: it walks day by day.
"""

from __future__ import annotations

import string
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from exchange.domain.records import RecordPayload, Transfer, bucket, day
from exchange.domain.rows import (
    Row,
    StoredRecord,
    check_against_stored,
    check_row,
    next_payload,
    rejects,
)
from tests.support.rows import ABSENT, clean_fields, parsed, row_fields, submission

OPENED = date(2023, 1, 10)
SALE = "019a0000-0000-7000-8000-000000000001"
ONE = timedelta(1)
SALE_DAYS = 60  # from a life's last report to the sale of its account, at most
LAST = submission().today - timedelta(SALE_DAYS)  # of a life: what follows lies not ahead


def codes(row: Row, kept: RecordPayload | None) -> set[str]:
    """Return what refuses a row after a stored state of its account."""
    stored = StoredRecord(UUID(int=1), 1, 1, "ep_1", b"subject", kept) if kept else None
    flaws = check_row(row, submission())
    flaws += check_against_stored(row, b"subject", "ep_1", stored, submission())
    return {flaw.code for flaw in flaws if rejects([flaw])}


@dataclass(frozen=True, slots=True)
class Report:
    """One report of an account: when, and since when a debt is unpaid."""

    as_of: date
    due: date | None  # None: on time

    def row(self, **more: object) -> Row:
        """Write it as a row."""
        if self.due is None:
            return parsed(clean_fields(as_of=str(self.as_of), opened_on=str(OPENED), **more))
        late: dict[str, object] = {
            "as_of": str(self.as_of),
            "opened_on": str(OPENED),
            "oldest_unpaid_due_on": str(self.due),
            "first_overdue_on": str(self.due + ONE),
            "dpd": (self.as_of - self.due).days,
            "five_class": ABSENT,
        }
        return parsed(row_fields(**late | more))


@st.composite
def lives(draw: st.DrawFn) -> list[Report]:
    """Draw an account's reports over at most three years; an arrear keeps its due date."""
    reports: list[Report] = []
    as_of, due = OPENED, None
    for gap, late in draw(st.lists(st.tuples(st.integers(1, 45), st.booleans()), min_size=1)):
        before, as_of = as_of, as_of + timedelta(gap)
        if as_of > LAST:
            break
        due = (due or before) if late else None
        reports.append(Report(as_of, due))
    return reports or [Report(OPENED + ONE, None)]


def lived(reports: list[Report]) -> list[RecordPayload]:
    """Report a life row by row; return what is stored after each."""
    states: list[RecordPayload] = []
    for report in reports:
        kept = states[-1] if states else None
        assert set() == codes(report.row(), kept), report
        states.append(next_payload(report.row(), kept, submission()))
    return states


def told(reports: list[Report]) -> str:
    """Write the history of a life, month by month, by what was last reported in each."""
    first, last = ((one.as_of.year * 12 + one.as_of.month) for one in (reports[0], reports[-1]))
    months = []
    for number in range(last, first - 1, -1):
        within = [one for one in reports if one.as_of.year * 12 + one.as_of.month == number]
        late = [one for one in within if one.due]
        if not within:
            months.append("#")
        elif within[-1].due:
            days = (within[-1].as_of - within[-1].due).days
            months.append(str(min(7, -(-days // 30))))
        else:
            months.append("M" if late else "N")
    return "".join(months)


@given(lives())
def test_the_history_says_of_each_month_what_was_last_reported_in_it(life: list[Report]) -> None:
    """A lender elsewhere reads a borrower's two years off this string."""
    for n, state in enumerate(lived(life), 1):
        assert told(life[:n]) == state.history


@given(lives())
def test_an_arrear_keeps_its_first_day_until_it_is_cured(life: list[Report]) -> None:
    """Whoever may move the first day may keep a borrower on record for ever."""
    for report, state in zip(life, lived(life), strict=True):
        if report.due:
            assert (day(report.due + ONE), None) == (state.first_overdue_on, state.ended_on)
            moved = report.row(first_overdue_on=str(report.due))
            if report.due > OPENED:
                assert "row.first_overdue_changed" in codes(moved, state)
        elif state.first_overdue_on is not None:
            cure = next(
                one.as_of
                for before, one in pairwise(life)
                if before.due and before.due + ONE == _date(state) and not one.due
            )
            assert day(cure) == state.ended_on


def _date(state: RecordPayload) -> date:
    return date(1970, 1, 1) + timedelta(state.first_overdue_on or 0)


@given(lives(), st.data())
def test_a_correction_leaves_the_account_as_if_it_had_been_told_right(
    life: list[Report], data: st.DataObject
) -> None:
    """What was corrected must not go on speaking through the month, the day or the clock."""
    right = lived(life)[-1]
    n = data.draw(st.integers(0, len(life) - 1))
    wrong = Report(life[n].as_of, None if life[n].due else life[n].as_of - ONE)
    before = lived(life[:n])
    kept = next_payload(
        wrong.row(reason="AMEND" if n else ABSENT), before[-1] if n else None, submission()
    )

    amended = life[-1].row(reason="AMEND", history=right.history)
    assert set() == codes(amended, kept)
    stands = next_payload(amended, kept, submission())

    assert right.history == stands.history
    assert right.dpd == stands.dpd
    if life[-1].due:
        assert (right.first_overdue_on, None) == (stands.first_overdue_on, stands.ended_on)
    else:  # The clock of retention runs exactly if the true history knows a late month.
        assert bool(set(right.history) & set(string.digits)) is (stands.ended_on is not None)


@given(lives(), st.integers(1, SALE_DAYS), st.lists(st.integers(1, 45), max_size=3))
def test_a_sale_carries_the_first_day_and_the_history_to_the_buyer(
    life: list[Report], days: int, later: list[int]
) -> None:
    """A debt that is sold must not grow young again."""
    debt = Report(life[-1].as_of + timedelta(days), life[-1].due or life[-1].as_of)
    seller = lived(life)[-1]
    gone = {"status": "SOLD", "status_on": str(debt.as_of), "closed_on": str(debt.as_of)}
    sold = debt.row(transfer_id=SALE, **gone)
    assert set() == codes(sold, seller)
    out = next_payload(sold, seller, submission())
    first = seller.first_overdue_on if life[-1].due else day(life[-1].as_of + ONE)

    now = str(bucket((debt.as_of - (debt.due or debt.as_of)).days))
    sent = {"sent_at": 1, "channel": "SMS", "template": "ntc_1:1.0", "delivery": "SENT"}
    taken = debt.row(
        reason="TRANSFER_IN",
        transfer_id=SALE,
        history=now + out.history[1:],
        notice={**sent, "ground": "SAME_EPISODE"},
    )
    told_flaws = codes(taken, None) - {"row.history_form"}  # A drawn life may leap in a month.
    assert set() == told_flaws
    bought = next_payload(taken, None, submission())

    assert ("G", Transfer.OUT, Transfer.IN) == (out.history[0], out.transfer, bought.transfer)
    assert first == out.first_overdue_on == bought.first_overdue_on
    assert out.history[1:] == bought.history[1:]
    assert out.transfer_id == bought.transfer_id
    for gap in later:
        debt = Report(debt.as_of + timedelta(gap), debt.due)
        if debt.as_of > submission().today:
            return
        bought = next_payload(debt.row(), bought, submission())
        assert (first, Transfer.IN, out.transfer_id) == (
            *(bought.first_overdue_on, bought.transfer, bought.transfer_id),
        )


@st.composite
def pauses(draw: st.DrawFn) -> list[tuple[date, date]]:
    """Draw up to four pauses that do not touch each other's days."""
    edges = draw(st.lists(st.integers(0, 200), max_size=8, unique=True))
    days = [OPENED + timedelta(edge) for edge in sorted(edges)]
    return list(zip(days[::2], days[1::2], strict=False))


def paused(due: date, as_of: date, held: list[tuple[date, date]], dpd: int, status: str) -> Row:
    """Write a late row of an account with these pauses."""
    told = [{"from": str(one), "to": str(other), "cause": "DISASTER"} for one, other in held]
    late = {"overdue_minor": 50_000 if dpd else 0, "first_overdue_on": str(due + ONE)}
    return parsed(
        row_fields(
            **late if dpd or status == "PAUSED" else {"overdue_minor": 0},
            as_of=str(as_of),
            opened_on=str(OPENED),
            oldest_unpaid_due_on=str(due),
            dpd=dpd,
            status=status,
            pauses=told,
            five_class=ABSENT,
            status_on=str(as_of),
        )
    )


def naive_dpd(due: date, as_of: date, held: list[tuple[date, date]]) -> int:
    """Count the days after the due day on which no pause ran, one by one."""
    days = [due + timedelta(n) for n in range(1, (as_of - due).days + 1)]
    return sum(not any(one <= each <= other for one, other in held) for each in days)


@given(pauses(), st.integers(0, 220), st.integers(0, 120))
def test_days_past_due_stand_still_while_a_pause_runs(
    held: list[tuple[date, date]], due_on: int, age: int
) -> None:
    """A flooded town's borrowers do not fall into the next bucket meanwhile."""
    due = OPENED + timedelta(due_on)
    as_of = due + timedelta(age)
    counted, runs = naive_dpd(due, as_of, held), any(one <= as_of <= other for one, other in held)
    status = "PAUSED" if runs else "RESTRUCTURED"
    yesterday = naive_dpd(due, as_of - ONE, held) if age else 0

    found = {
        told: {
            flaw.code for flaw in check_row(paused(due, as_of, held, told, status), submission())
        }
        for told in range(max(0, counted - 2), counted + 3)
    }

    assert [counted] == [told for told, flaws in found.items() if "row.dpd_mismatch" not in flaws]
    assert "row.pause" not in found[counted]
    assert counted - yesterday == (age > 0 and not runs)


@given(pauses().filter(bool), st.integers(1, 40), st.data())
def test_a_pause_that_is_over_stays_as_it_was_told(
    held: list[tuple[date, date]], age: int, data: st.DataObject
) -> None:
    """Days that stood still must not be counted after all, nor more of them later."""
    last = held[-1][1]
    due, as_of = OPENED, last + timedelta(age)
    row = paused(due, as_of, held, naive_dpd(due, as_of, held), "RESTRUCTURED")
    kept = next_payload(row, None, submission())
    n = data.draw(st.integers(0, len(held) - 1))
    fewer = held[:n] + held[n + 1 :]
    longer = [*held[:-1], (held[-1][0], last + ONE)]
    tomorrow = as_of + ONE

    for changed in (fewer, longer) if age > 1 else (fewer,):
        dpd = naive_dpd(due, tomorrow, changed)
        again = paused(due, tomorrow, changed, dpd, "RESTRUCTURED")
        assert "row.pause" in codes(again, kept)
    same = paused(due, tomorrow, held, naive_dpd(due, tomorrow, held), "RESTRUCTURED")
    assert "row.pause" not in codes(same, kept)
