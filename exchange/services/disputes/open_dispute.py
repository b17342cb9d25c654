"""Open a dispute about one record: from its commit on, every answer about it carries the flag.

In:  who speaks, about which record, why, in their own words.
Out: the dispute. The same id and words again give the first one.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from exchange.crypto.sealing import dispute_aad
from exchange.domain.ids import show
from exchange.domain.life.disputes import (
    TEXT_CHARACTERS_MAX,
    Cause,
    DisputeEvent,
    DisputeState,
    due_date,
    is_plain,
    overdue_from,
)
from exchange.domain.records import today_in
from exchange.errors import AbsentError, DisputeConflict, InvalidField, QuotaError
from exchange.services.disputes.ports import DisputedRecord, StoredDispute
from exchange.services.disputes.show_disputes import DisputeView, view
from exchange.services.disputes.voices import Voice, may_hear, record_for
from exchange.services.disputes.write_steps import Step, write_step
from exchange.services.ports import Ports, Work

_DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeOpening:
    """What is disputed, and why."""

    dispute_id: UUID
    account_ref: str | None  # where a member speaks for its own borrower
    record_id: UUID | None  # where the borrower or the operator speaks
    cause: Cause
    text: str
    digest: bytes  # SHA-256 of what was asked


def open_dispute(opening: DisputeOpening, voice: Voice, ports: Ports) -> DisputeView:
    """Open a dispute.

    Raises:
        AbsentError: there is no such record, or this voice may not speak about it.
        InvalidField: the text is too long, blank, or holds control characters.
        DisputeConflict: the id was used for something else, or the record is under dispute already.
        QuotaError: too many disputes about this subject today.
    """
    check_text(opening.text, TEXT_CHARACTERS_MAX)
    now = ports.now()
    with ports.begin() as work:
        if stored := work.disputes.find(opening.dispute_id):
            if stored.digest != opening.digest or not may_hear(voice, stored):
                raise DisputeConflict("the id was used before", field="dispute_id")
            return view(stored, voice, work, ports, replayed=True)
        record = record_for(voice, opening.account_ref, opening.record_id, work)
        if record is None:
            raise AbsentError
        count_against_quota(record.indices[0], work, ports, now)
        dispute = _dispute(opening, record, voice, ports, now)
        _add(dispute, work)
        step = Step(DisputeEvent.OPEN, voice.actor, opening.text)
        write_step(dispute, step, work, ports)
        shown = view(dispute, voice, work, ports)
        work.commit()
    return shown


def check_text(text: str, characters_max: int) -> None:
    """Refuse a text that is too long, blank, or holds what does not print.

    Raises:
        InvalidField: it is.
    """
    if not is_plain(text, characters_max):
        expected = f"must be 1 to {characters_max:,} characters that print, and not blank"
        raise InvalidField(expected, field="text")


def count_against_quota(index: bytes, work: Work, ports: Ports, now: int) -> None:
    """Count one more word of, or for, a subject today.

    Raises:
        QuotaError: there were too many.
    """
    period = now - now % _DAY_SECONDS
    limit = ports.terms.disputes_per_subject_day
    subject = ports.keyring.pseudonym(index)
    if not work.members.count(subject, "disputes", period=period, amount=1, limit=limit):
        left = period + _DAY_SECONDS - now
        raise QuotaError("too many disputes about one subject today", retry_after_seconds=left)


def _dispute(
    opening: DisputeOpening, record: DisputedRecord, voice: Voice, ports: Ports, now: int
) -> StoredDispute:
    profile = ports.terms.profile
    due_on = due_date(today_in(profile.timezone, now), profile)
    key = ports.sealer.new_key(dispute_aad(opening.dispute_id.bytes))
    return StoredDispute(
        dispute_id=opening.dispute_id,
        member=record.member,
        record_id=record.record_id,
        account_ref=record.account_ref,
        token_index=record.indices[0],
        cause=opening.cause,
        opened_by=voice.actor,
        opened_at=now,
        due_on=due_on,
        due_at=overdue_from(due_on, profile),
        extended=False,
        state=DisputeState.OPEN,
        result=None,
        answered_at=None,
        closed_at=None,
        days_late=0,
        reopened=0,
        digest=opening.digest,
        kek_id=key.kek_id,
        wrapped=key.wrapped,
    )


def _add(dispute: StoredDispute, work: Work) -> None:
    if running := work.disputes.running(dispute.record_id):
        other = show("dsp", running)
        raise DisputeConflict(f"{other} runs about this record: add facts to it")
    if not work.disputes.add(dispute):
        raise DisputeConflict("another dispute was opened a moment ago; look at it first")
