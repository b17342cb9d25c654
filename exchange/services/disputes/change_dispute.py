"""Carry a dispute on: add facts, close it, open it again.

Only the borrower, or the operator in their place, agrees to an answer or takes a dispute back: the
member whose record it is can close no dispute to its own advantage.
"""

from __future__ import annotations

from datetime import date
from uuid import UUID

from exchange.domain.life.disputes import (
    REOPEN_DAYS,
    TEXT_CHARACTERS_MAX,
    DisputeEvent,
    DisputeState,
    Result,
    due_date,
    may_reopen,
    next_state,
    outcome,
    overdue_from,
)
from exchange.domain.records import today_in
from exchange.errors import AbsentError, DisputeTransition
from exchange.services.disputes.open_dispute import check_text, count_against_quota
from exchange.services.disputes.ports import StoredDispute
from exchange.services.disputes.show_disputes import DisputeView, view
from exchange.services.disputes.voices import Voice, may_hear, of_exchange
from exchange.services.disputes.write_steps import Step, write_step
from exchange.services.events.tell_corrections import Cause, look_before, tell_corrected
from exchange.services.ports import Ports, Work

_DAY_SECONDS = 86_400


def add_facts(dispute_id: UUID, text: str, voice: Voice, ports: Ports) -> DisputeView:
    """Add what the borrower found out since; it extends the clock once, where the profile does.

    A clock that has run out is not wound up again. Source: FCRA §611(a)(1)(B).

    Raises:
        AbsentError: there is no such dispute, or it is not this voice's.
        DisputeTransition: the dispute is not open.
        InvalidField: the text is no plain text of its length.
        QuotaError: too many words about this subject today.
    """
    check_text(text, TEXT_CHARACTERS_MAX)
    with ports.begin() as work:
        dispute = held(dispute_id, voice, work)
        state = moved(dispute, DisputeEvent.ADD_FACTS)
        count_against_quota(dispute.token_index, work, ports, ports.now())
        profile = ports.terms.profile
        runs = ports.now() < dispute.due_at
        if runs and profile.extension_days:  # Once: it is counted from the opening.
            due_on = due_date(_day(dispute.opened_at, ports), profile, extended=True)
            due_at = overdue_from(due_on, profile)
            dispute = dispute._replace(extended=True, due_on=due_on, due_at=due_at)
        step = Step(DisputeEvent.ADD_FACTS, voice.actor, text)
        return _written(dispute._replace(state=state), step, voice, work, ports)


def close_dispute(dispute_id: UUID, voice: Voice, ports: Ports, *, agreed: bool) -> DisputeView:
    """Close a dispute: an open one is taken back, an answered one comes to its result.

    Raises:
        AbsentError: there is no such dispute, or it is not this voice's.
        DisputeTransition: it is closed, or only the borrower may close it so.
    """
    with ports.begin() as work:
        dispute = held(dispute_id, voice, work)
        state = moved(dispute, DisputeEvent.CLOSE)
        agrees = agreed or state is DisputeState.WITHDRAWN
        if agrees and dispute.result in (None, Result.ACCURATE) and not voice.speaks_freely:
            raise DisputeTransition("only the borrower agrees to that, or the operator for them")
        return _close(dispute._replace(state=state), voice, work, ports, agreed=agreed)


def lapse_disputes(ports: Ports, disputes_max: int = 1_000) -> int:
    """Close answers that nobody objected to in 30 days; return how many. Run daily.

    Silence is no agreement: ACCURATE comes to UNRESOLVED, and both sides stay on record.
    """
    before = ports.now() - REOPEN_DAYS * _DAY_SECONDS
    with ports.begin() as work:
        due = work.disputes.answered_before(before, disputes_max)
    voice = of_exchange()
    for dispute_id in due:
        with ports.begin() as work:
            dispute = held(dispute_id, voice, work)
            if dispute.state is DisputeState.ANSWERED:  # Somebody may have been faster.
                closed = dispute._replace(state=DisputeState.CLOSED)
                _close(closed, voice, work, ports, agreed=False)
    return len(due)


def reopen_dispute(dispute_id: UUID, text: str, voice: Voice, ports: Ports) -> DisputeView:
    """Open a closed dispute again, within 30 days; its clock starts anew.

    Raises:
        AbsentError: there is no such dispute, it is not this voice's, or the record is gone.
        DisputeTransition: it is not closed or too long closed, or another one runs.
        DisputeConflict: another one about the record was opened at the same moment.
        InvalidField: the text is no plain text of its length.
        QuotaError: too many words about this subject today.
    """
    check_text(text, TEXT_CHARACTERS_MAX)
    profile = ports.terms.profile
    with ports.begin() as work:
        dispute = held(dispute_id, voice, work)
        state = moved(dispute, DisputeEvent.REOPEN)
        today = _day(ports.now(), ports)
        if dispute.closed_at is None or not may_reopen(_day(dispute.closed_at, ports), today):
            raise DisputeTransition("it has been closed for too long; open another one")
        if work.disputes.record(dispute.record_id) is None:
            raise AbsentError
        if work.disputes.running(dispute.record_id):
            raise DisputeTransition("another dispute runs about this record")
        count_against_quota(dispute.token_index, work, ports, ports.now())
        due_on = due_date(today, profile)
        again = dispute._replace(
            state=state,
            due_on=due_on,
            due_at=overdue_from(due_on, profile),
            opened_at=ports.now(),
            extended=False,
            result=None,
            answered_at=None,
            closed_at=None,
            reopened=dispute.reopened + 1,
        )
        return _written(again, Step(DisputeEvent.REOPEN, voice.actor, text), voice, work, ports)


def held(dispute_id: UUID, voice: Voice, work: Work) -> StoredDispute:
    """Lock a dispute of this voice.

    Raises:
        AbsentError: there is none, or it is not this voice's.
    """
    dispute = work.disputes.find(dispute_id, lock=True)
    if dispute is None or not may_hear(voice, dispute):
        raise AbsentError
    return dispute


def moved(dispute: StoredDispute, event: DisputeEvent) -> DisputeState:
    """Return the state that an event leads to.

    Raises:
        DisputeTransition: it may not happen now.
    """
    state = next_state(dispute.state, event)
    if state is None:
        raise DisputeTransition(f"{event} is not for a dispute that is {dispute.state}")
    return state


def _close(
    dispute: StoredDispute, voice: Voice, work: Work, ports: Ports, *, agreed: bool
) -> DisputeView:
    result = outcome(dispute.result, agreed=agreed) if dispute.result else None
    closed = dispute._replace(result=result, closed_at=ports.now())
    given = look_before([dispute.token_index], work, ports)
    write_step(closed, Step(DisputeEvent.CLOSE, voice.actor, "", result), work, ports)
    tell_corrected(given, Cause.DISPUTE_CLOSED, work, ports)
    shown = view(closed, voice, work, ports)
    work.commit()
    return shown


def _written(
    dispute: StoredDispute, step: Step, voice: Voice, work: Work, ports: Ports
) -> DisputeView:
    write_step(dispute, step, work, ports)
    shown = view(dispute, voice, work, ports)
    work.commit()
    return shown


def _day(moment: int, ports: Ports) -> date:
    return today_in(ports.terms.profile.timezone, moment)
