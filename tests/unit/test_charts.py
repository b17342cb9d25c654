"""What pages draw and read: bars as their counts, lines through their values, days as seconds."""

from __future__ import annotations

import pytest

from exchange.console.regulator.findings import by_member, loan_bars
from exchange.console.web.charts import bar, line
from exchange.console.web.lists import day_start
from exchange.errors import InvalidField
from exchange.services.audit.ports import JudgedMonth


def month(member: str, name: str, *counts: int) -> JudgedMonth:
    """Return a month with these counts: in time, stale, late, never."""
    in_time, stale, late, never = counts
    return JudgedMonth(
        member=member,
        month=name,
        in_time=in_time,
        stale=stale,
        late=late,
        never=never,
        unwitnessed=1,
        size=9,
        judged_at=1,
    )


def test_a_bar_is_divided_as_its_counts_are() -> None:
    """A bar that shows other shares than its numbers accuses somebody."""
    parts = bar({"in_time": 1, "stale": 0, "late": 2, "never": 1})

    assert [("in_time", 0, 25), ("late", 25, 50), ("never", 75, 25)] == parts
    assert [] == bar({"in_time": 0, "late": 0})


def test_a_line_runs_from_the_oldest_value_to_the_newest() -> None:
    """A trend drawn backwards praises who grew worse."""
    assert "0.0,32.0 60.0,0.0 120.0,16.0" == line((0, 100, 50), top=100, width=120, height=32)
    assert "0.0,16.0" == line((50,), top=100, width=120, height=32)


def test_months_add_up_by_member_and_few_loans_have_no_share() -> None:
    """One late loan of two is no rate of fifty per cent; and no member answers for another."""
    months = [month("a", "2026-01", 17, 0, 1, 0), month("a", "2026-02", 1, 1, 0, 1)]

    sums = by_member([*months, month("b", "2026-02", 1, 0, 1, 0)])

    assert [("a", 21, 2), ("b", 2, 1)] == [(one.member, one.loans, one.unwitnessed) for one in sums]
    assert [9.5, None] == [one.unchecked_percent for one in loan_bars(sums)]


def test_a_day_begins_where_the_exchange_is() -> None:
    """A search by days that are not the reader's leaves out the looks of an evening."""
    assert 1_795_795_200 == day_start("2026-11-28", "Asia/Shanghai", field="from")
    assert 1_795_881_600 == day_start("2026-11-28", "Asia/Shanghai", field="to", days=1)
    for text in ("28.11.2026", "2026-11-31", "9999-12-31", ""):
        with pytest.raises(InvalidField):
            day_start(text, "Asia/Shanghai", field="to", days=1)
