"""Answer a dispute as the member whose record it is; a correction goes in with it, or nothing does.

In:  the member's result and reason, and for MODIFIED the amended row.
Out: the dispute, answered. Both sides' words stay on record.
Order: the dispute is held, the record is corrected as any record is, then the step is written.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from exchange.domain.life.disputes import (
    ANSWERS,
    DELETING,
    TEXT_CHARACTERS_MAX,
    DisputeEvent,
    Result,
    days_late,
)
from exchange.domain.queries import Asker
from exchange.domain.records import Status, today_in
from exchange.domain.rows import AnyRow, DeleteReason, Deletion, Reason, as_row, read_submitted
from exchange.errors import InvalidField
from exchange.services.disputes.change_dispute import held, moved
from exchange.services.disputes.open_dispute import check_text
from exchange.services.disputes.ports import StoredDispute
from exchange.services.disputes.show_disputes import DisputeView, view
from exchange.services.disputes.voices import of_member
from exchange.services.disputes.write_steps import Step, write_step
from exchange.services.ports import Ports, Work
from exchange.services.records.take_row import frame_of, refusal, take_row

_REASONS = {
    Status.DELETED_ERROR: DeleteReason.DELETE_ERROR,
    Status.DELETED_FRAUD: DeleteReason.DELETE_FRAUD,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeAnswer:
    """What the member found."""

    result: Result
    text: str
    row: bytes | None  # for MODIFIED alone: the amended row as it is sent alone, JSON
    digest: bytes  # SHA-256 of what was sent


def answer_dispute(
    dispute_id: UUID, answer: DisputeAnswer, caller: Asker, ports: Ports
) -> DisputeView:
    """Answer a dispute; the same answer again changes nothing.

    Raises:
        AbsentError: there is no such dispute about a record of this member.
        DisputeTransition: it is not open.
        InvalidField: the text or the result is no answer, or the row is missing, too much, or no
            amendment of the disputed account, or one that amends nothing.
        InvalidRecord: a rule refuses the row; the faults name all of them.
        ClosedEpoch: the row names an epoch that is not open.
        UnavailableError: an upload of the member takes too long.
    """
    check_text(answer.text, TEXT_CHARACTERS_MAX)
    _check_form(answer)
    voice = of_member(caller)
    with ports.begin() as work:
        dispute = held(dispute_id, voice, work)
        if dispute.result is answer.result:
            return view(dispute, voice, work, ports, replayed=True)
        state = moved(dispute, DisputeEvent.ANSWER)
        _correct(dispute, answer, caller, work, ports)
        now = ports.now()
        today = today_in(ports.terms.profile.timezone, now)
        answered = dispute._replace(
            state=state,
            result=answer.result,
            answered_at=now,
            days_late=dispute.days_late + days_late(dispute.due_on, today),
        )
        step = Step(DisputeEvent.ANSWER, voice.actor, answer.text, answer.result)
        write_step(answered, step, work, ports)
        shown = view(answered, voice, work, ports)
        work.commit()
    return shown


def _check_form(answer: DisputeAnswer) -> None:
    if answer.result not in ANSWERS:
        raise InvalidField("is no answer that a member gives", field="result")
    if (answer.result is Result.MODIFIED) is not (answer.row is not None):
        raise InvalidField("MODIFIED comes with its amended row, nothing else does", field="row")


def _correct(
    dispute: StoredDispute, answer: DisputeAnswer, caller: Asker, work: Work, ports: Ports
) -> None:
    """Amend or delete the record, as the answer says."""
    if answer.result is Result.ACCURATE:
        return
    record = work.disputes.record(dispute.record_id)
    if record is None:  # Deleted or withdrawn since.
        if answer.result in DELETING:
            return
        raise InvalidField("the disputed record is gone", field="result")
    epoch, row = "", None
    if answer.row is not None:
        epoch, row = _amendment(answer.row, record.account_ref, ports)
    frame = frame_of(epoch, caller, work, ports)
    change: AnyRow = row or Deletion(
        account_ref=record.account_ref,
        reason=_REASONS[DELETING[answer.result]],
        as_of=frame.submission.today,
    )
    put = take_row(change, frame, (caller, answer.digest), work, ports)
    after = work.disputes.record(dispute.record_id)
    if after and not put.alters and set(after.indices) == set(record.indices):
        raise InvalidField("changes nothing that is told of the account", field="row")


def _amendment(body: bytes, account_ref: str, ports: Ports) -> tuple[str, AnyRow]:
    row = read_submitted(body)
    if isinstance(row, list):
        raise refusal(row)
    if row.account_ref != account_ref:
        raise InvalidField("must be the disputed account", field="row/account_ref")
    if row.reason is not Reason.AMEND:
        raise InvalidField("must be AMEND", field="row/reason")
    if row.profile != ports.terms.profile.ref:
        raise InvalidField(f"must be {ports.terms.profile.ref}", field="row/profile")
    return row.epoch, as_row(row)
