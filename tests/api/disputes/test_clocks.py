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
from exchange.errors import InvalidField, QuotaError
from exchange.services.disputes.change_dispute import (
    add_facts,
    close_dispute,
    lapse_disputes,
    reopen_dispute,
)
from exchange.services.disputes.open_dispute import DisputeOpening, open_dispute
from exchange.services.disputes.ports import StoredDispute
from exchange.services.ports import Ports, Work
from exchange_client.core.ids import new_id
from tests.support.dispute_desk import DAY_SECONDS, DisputeDesk
from tests.support.grant_desk import shown


def opened_in_america(desk: DisputeDesk) -> tuple[Ports, StoredDispute]:
    """Open a dispute where new facts extend the clock; return what is there at hand."""
    american = replace(
        desk.at(0), terms=replace(desk.sandbox.ports.terms, profile=load_profile("US"))
    )
    opening = DisputeOpening(
        dispute_id=UUID(new_id("dsp")[4:]),
        account_ref=None,
        record_id=desk.reported(),
        cause=Cause.OTHER,
        text="I paid.",
        digest=bytes(32),
    )
    return american, open_dispute(opening, desk.borrower(), american).dispute


@pytest.mark.parametrize(
    ("seconds", "extended"), [(-30 * DAY_SECONDS - 1, True), (-1, True), (0, False)]
)
def test_new_facts_extend_a_clock_that_runs_once_where_the_profile_says_so(
    desk: DisputeDesk, seconds: int, extended: bool
) -> None:
    """The member gets 15 days more for new facts (US), and none for having been late."""
    american, opened = opened_in_america(desk)
    moment = opened.due_at + seconds  # the first second at which the answer is late
    later = replace(american, now=lambda: moment)

    first, again = (
        add_facts(opened.dispute_id, "The bank's paper.", desk.borrower(), later).dispute
        for _ in range(2)
    )

    assert timedelta(15 if extended else 0) == first.due_on - opened.due_on
    assert (first.due_at, extended) == (again.due_at, again.extended)


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


def test_a_clock_that_starts_anew_is_extended_anew_from_that_day(desk: DisputeDesk) -> None:
    """Facts that come after a reopening deserve their days as those did that came before."""
    american, opened = opened_in_america(desk)
    dispute_id, borrower = opened.dispute_id, desk.borrower()
    later = replace(american, now=desk.at(5).now)
    add_facts(dispute_id, "The bank's paper.", borrower, american)
    shown(desk.reply(f"dsp_{dispute_id.hex}"))
    close_dispute(dispute_id, borrower, american, agreed=True)

    again = reopen_dispute(dispute_id, "The receipt.", borrower, later).dispute
    more = add_facts(dispute_id, "And another one.", borrower, later).dispute

    assert (timedelta(5), timedelta(15)) == (
        again.due_on - opened.due_on,
        more.due_on - again.due_on,
    )


def test_facts_and_a_reopening_are_words_and_count_as_such(desk: DisputeDesk) -> None:
    """Neither is a way past the length of a text or the words of a day."""
    dispute_id = desk.borrower_disputes(desk.reported()).dispute.dispute_id
    borrower, ports = desk.borrower(), desk.sandbox.ports
    once = replace(ports, terms=replace(ports.terms, disputes_per_subject_day=1))

    with pytest.raises(InvalidField):
        add_facts(dispute_id, "x" * 1_001, borrower, ports)
    with pytest.raises(QuotaError):
        add_facts(dispute_id, "I was abroad.", borrower, once)
    shown(desk.reply(f"dsp_{dispute_id.hex}"))
    close_dispute(dispute_id, borrower, ports, agreed=True)
    with pytest.raises(InvalidField):
        reopen_dispute(dispute_id, " ", borrower, ports)

    assert 3 == desk.leaves("dispute")


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
