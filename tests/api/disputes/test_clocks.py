"""The clock of a dispute: how long the member has, and what moves it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from itertools import count
from uuid import UUID

import pytest

from consent.profiles import load_profile
from exchange.domain.life.disputes import Cause
from exchange.services.disputes.change_dispute import (
    add_facts,
    close_dispute,
    lapse_disputes,
    reopen_dispute,
)
from exchange.services.disputes.open_dispute import DisputeOpening, open_dispute
from exchange.services.ports import Work
from exchange_client.core.ids import new_id
from tests.support.dispute_desk import DAY_SECONDS, DisputeDesk
from tests.support.grant_desk import shown


@pytest.mark.parametrize(("days", "extended"), [(0, True), (30, True), (31, False)])
def test_new_facts_extend_a_clock_that_runs_once_where_the_profile_says_so(
    desk: DisputeDesk, days: int, extended: bool
) -> None:
    """The member gets 15 days more for new facts (US), and none for having been late."""
    record = desk.reported()
    terms = desk.sandbox.ports.terms
    american = replace(desk.at(0), terms=replace(terms, profile=load_profile("US")))
    opening = DisputeOpening(
        dispute_id=UUID(new_id("dsp")[4:]),
        account_ref=None,
        record_id=record,
        cause=Cause.OTHER,
        text="I paid.",
        digest=bytes(32),
    )
    opened = open_dispute(opening, desk.borrower(), american).dispute
    moment = opened.due_at - 1 + (days - 30) * DAY_SECONDS  # the last second of that day
    later = replace(american, now=lambda: moment)

    first, again = (
        add_facts(opened.dispute_id, "The bank's paper.", desk.borrower(), later).dispute
        for _ in range(2)
    )

    assert timedelta(15 if extended else 0) == first.due_on - opened.due_on
    assert first.due_at == again.due_at


def test_days_of_lateness_add_up_when_a_dispute_is_opened_again(desk: DisputeDesk) -> None:
    """Compensation is owed for both times."""
    view = desk.borrower_disputes(desk.reported())
    dispute_id = view.dispute.dispute_id
    dispute = f"dsp_{dispute_id.hex}"
    desk.let_days_pass(dispute, 25)
    shown(desk.reply(dispute))
    close_dispute(dispute_id, desk.borrower(), desk.sandbox.ports, agreed=True)
    reopen_dispute(dispute_id, "The receipt.", desk.borrower(), desk.sandbox.ports)
    desk.let_days_pass(dispute, 23)

    again = shown(desk.reply(dispute))

    assert 5 + 3 == again["days_late"]


def test_an_answer_that_is_closed_meanwhile_does_not_lapse(desk: DisputeDesk) -> None:
    """Whoever agreed must not read that they did not."""
    dispute_id = desk.borrower_disputes(desk.reported()).dispute.dispute_id
    dispute = f"dsp_{dispute_id.hex}"
    shown(desk.reply(dispute))
    ports, begun = desk.at(31), count(1)

    def begin() -> AbstractContextManager[Work]:
        if next(begun) == 2:  # It is listed as due; now the borrower is faster.
            close_dispute(dispute_id, desk.borrower(), desk.sandbox.ports, agreed=True)
        return ports.begin()

    lapse_disputes(replace(ports, begin=begin))

    assert "ACCURATE" == shown(desk.send("GET", f"/v1/disputes/{dispute}"))["result"]
