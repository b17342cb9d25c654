"""Write one step of a dispute: its leaf, what was said, where it stands now, what looks may see.

In:  the dispute as it is from now on, the step that brought it there, an open unit of work that
     holds it.
Out: everything stored; the caller commits.
"""

from __future__ import annotations

from typing import NamedTuple

from exchange.crypto.sealing import DataKey, dispute_aad, pad, unpad
from exchange.domain.ids import show
from exchange.domain.life.disputes import RUNNING, DisputeEvent, DisputeState, Result
from exchange.domain.log.kinds import Kind
from exchange.services.disputes.ports import NewEvent, StoredDispute, StoredEvent
from exchange.services.log.write_leaves import LeafDraft, write_leaves
from exchange.services.ports import Ports, Work


class Step(NamedTuple):
    """What somebody does to a dispute."""

    event: DisputeEvent
    actor: str
    text: str  # what was said with it; "" for nothing
    result: Result | None = None


def write_step(dispute: StoredDispute, step: Step, work: Work, ports: Ports) -> None:
    """Write a step and where it leaves the dispute, in that order: leaf, words, state, mark."""
    now = ports.now()
    draft = LeafDraft(
        kind=Kind.DISPUTE,
        member=dispute.member,
        subject=ports.keyring.pseudonym(dispute.token_index),
        subject_slot={"event": _name(step)},
        audit_slot={"dispute": show("dsp", dispute.dispute_id)},
    )
    leaf = write_leaves(work, [draft], ports, now)[0]
    key = dispute_key(dispute, ports)
    event = NewEvent(
        event=step.event,
        actor=step.actor,
        result=step.result,
        happened_at=now,
        leaf_hash=leaf.leaf_hash,
        sealed=key.seal(pad(step.text.encode()), dispute_aad(dispute.dispute_id.bytes)),
    )
    work.disputes.add_event(dispute.dispute_id, event)
    work.disputes.save(dispute)
    _show_looks(dispute, work)


def said(dispute: StoredDispute, event: StoredEvent, ports: Ports) -> str:
    """Open what was said in one step.

    Raises:
        IntegrityError: it is not what was sealed for this dispute.
    """
    key = dispute_key(dispute, ports)
    return unpad(key.open(event.sealed, dispute_aad(dispute.dispute_id.bytes))).decode()


def dispute_key(dispute: StoredDispute, ports: Ports) -> DataKey:
    """Unwrap the key of everything said in a dispute."""
    aad = dispute_aad(dispute.dispute_id.bytes)
    return ports.sealer.open_key(dispute.kek_id, dispute.wrapped, aad)


def _name(step: Step) -> str:
    return f"{step.event}.{step.result.lower()}" if step.result else step.event.value


def _show_looks(dispute: StoredDispute, work: Work) -> None:
    """Mark the record while it is disputed; an unresolved dispute keeps its mark, and no clock."""
    if dispute.state in RUNNING:
        open_now = dispute.state is DisputeState.OPEN
        work.disputes.mark(dispute.record_id, dispute.due_at if open_now else None)
    elif dispute.result is Result.UNRESOLVED:
        work.disputes.mark(dispute.record_id, None)
    else:
        work.disputes.unmark(dispute.record_id)
