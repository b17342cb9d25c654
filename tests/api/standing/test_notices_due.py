"""Notices owed after a listing: listed by the profile's days until a row tells of one."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta

import pytest

from exchange.domain.lists.pages import PageAsk
from exchange.domain.rows.forms import Delivery
from exchange.services.ports import Ports
from exchange.services.standing.list_notices_due import list_notices_due
from tests.support.dispute_desk import DisputeDesk
from tests.support.grant_desk import shown
from tests.support.sandbox import Sandbox


@pytest.fixture
def desk(sandbox: Sandbox) -> DisputeDesk:
    """The desk of one lender."""
    return DisputeDesk(sandbox=sandbox, key=sandbox.enrol("member-a"))


def after_listing(ports: Ports, days: int) -> Ports:
    """Return ports under a profile that asks for a notice so many days after a listing."""
    profile = replace(ports.terms.profile, notice_days_after=days)
    return replace(ports, terms=replace(ports.terms, profile=profile))


def test_a_listing_owes_a_notice_until_a_row_tells_of_one(desk: DisputeDesk) -> None:
    """A borrower who was listed must hear of it in time."""
    desk.reported()
    ports = after_listing(desk.sandbox.ports, 30)

    owed = list_notices_due("member-a", PageAsk(rows=10), ports).rows

    due_on = desk.today + timedelta(days=30)
    assert [("acc-1", desk.today, due_on, False)] == [
        (one.account_ref, one.listed_on, one.due_on, one.overdue) for one in owed
    ]
    sent = desk.notice() | {"sent_at": int(time.time()), "delivery": Delivery.SENT.value}
    shown(desk.put(desk.late(days=35, balance_minor=700_000, notice=sent)))
    assert () == list_notices_due("member-a", PageAsk(rows=10), ports).rows


def test_nothing_is_owed_where_the_profile_asks_for_nothing(desk: DisputeDesk) -> None:
    """A duty that no law knows is no duty (CN)."""
    desk.reported()

    listed = shown(desk.send("GET", "/v1/reports/notices-due"))

    assert ([], False) == (listed["notices"], listed["has_more"])


def test_pages_over_many_accounts_lose_none(desk: DisputeDesk) -> None:
    """A notice that falls between two pages is never sent."""
    for n in range(3):
        desk.reported(n + 1, f"acc-{n}")
    shown(desk.put(desk.clean(9, "acc-9")))
    ports = after_listing(desk.sandbox.ports, 30)

    first = list_notices_due("member-a", PageAsk(rows=2), ports)
    rest = list_notices_due("member-a", PageAsk(rows=2, after=first.next), ports)

    assert ["acc-0", "acc-1", "acc-2"] == [one.account_ref for one in first.rows + rest.rows]
    assert rest.next is None
