"""Show disputes: one with all that was said, or a list; what is overdue follows from the day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from exchange.domain.life.disputes import DisputeState, Result, days_late
from exchange.domain.lists.pages import Page, PageAsk, page_of
from exchange.domain.records import today_in
from exchange.errors import AbsentError
from exchange.services.disputes.ports import DisputeAsk, StoredDispute
from exchange.services.disputes.voices import OPERATOR, REGULATOR, Voice, may_hear, may_see
from exchange.services.disputes.write_steps import said
from exchange.services.ports import Ports, Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One step of a dispute, as both sides may read it."""

    event: str
    actor: str
    result: Result | None
    at: int  # unix seconds
    text: str
    leaf_hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeView:
    """A dispute as it stands today."""

    dispute: StoredDispute
    overdue: bool
    days_late: int
    history: tuple[Said, ...]  # empty in lists
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeFilter:
    """Which disputes are listed."""

    state: DisputeState | None = None
    overdue: bool = False
    member: str | None = None  # of this member's records; one that speaks sees its own alone


def show_dispute(dispute_id: UUID, voice: Voice, ports: Ports) -> DisputeView:
    """Show one dispute with everything that was said in it.

    Raises:
        AbsentError: there is none, or it is not this voice's.
    """
    with ports.begin() as work:
        dispute = work.disputes.find(dispute_id)
        if dispute is None or not may_see(voice, dispute):
            raise AbsentError
        return view(dispute, voice, work, ports)


def list_disputes(
    chosen: DisputeFilter, voice: Voice, page: PageAsk, ports: Ports
) -> Page[DisputeView]:
    """List disputes about a member's records; regulator and operator see those of every member.

    Nothing that was said is in it: clocks and results, no texts.
    """
    ask = DisputeAsk(
        member=chosen.member if voice.actor in (REGULATOR, OPERATOR) else voice.actor,
        state=chosen.state,
        overdue_at=ports.now() if chosen.overdue else None,
        after=UUID(page.after) if page.after else None,
        rows=page.fetch,
    )
    with ports.begin() as work:
        found = work.disputes.listed(ask)
    rows = [bare_view(dispute, ports) for dispute in found]
    return page_of(rows, page, lambda row: str(row.dispute.dispute_id))


def disputes_of(indices: Sequence[bytes], voice: Voice, ports: Ports) -> list[DisputeView]:
    """List the disputes about one borrower's records, for the borrower's own page."""
    with ports.begin() as work:
        found = work.disputes.of_subject(indices)
        return [view(dispute, voice, work, ports) for dispute in found if may_hear(voice, dispute)]


def view(
    dispute: StoredDispute, voice: Voice, work: Work, ports: Ports, *, replayed: bool = False
) -> DisputeView:
    """Return a dispute with its history, every voice under its own name.

    The borrower reads `member` where a member spoke: which one stands beside the record.
    """
    bare = bare_view(dispute, ports)
    history = tuple(
        Said(
            event=event.event.value,
            actor=event.actor,
            result=event.result,
            at=event.happened_at,
            text=said(dispute, event, ports),
            leaf_hash=event.leaf_hash,
        )
        for event in work.disputes.events(dispute.dispute_id)
        if may_hear(voice, dispute)
    )
    return DisputeView(
        dispute=dispute,
        overdue=bare.overdue,
        days_late=bare.days_late,
        history=history,
        replayed=replayed,
    )


def bare_view(dispute: StoredDispute, ports: Ports) -> DisputeView:
    """Return a dispute without what was said in it."""
    open_now = dispute.state is DisputeState.OPEN
    overdue = open_now and dispute.due_at <= ports.now()
    today = today_in(ports.terms.profile.timezone, ports.now())
    late = days_late(dispute.due_on, today) if overdue else 0
    return DisputeView(
        dispute=dispute, overdue=overdue, days_late=dispute.days_late + late, history=()
    )
