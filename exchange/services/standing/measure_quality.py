"""Measure how well members contribute, once a month each, and announce what changes for them.

In:  the day. Run daily: it measures whoever has no measure of this month yet.
Out: the measures taken. A changed depth holds from the 1st that is 30 days away or more; the
     member is told by an event, and the log keeps a leaf. An announcement that the next measure
     does not bear out is taken back before it ever holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from zoneinfo import ZoneInfo

from consent.reciprocity import Earned, earned
from exchange.domain.ids import uuid7
from exchange.domain.life.quality import contribution_of, effective_date, index_of, quality_of
from exchange.domain.log.kinds import Kind
from exchange.domain.outward.events import EventKind, NewEvent
from exchange.domain.records import month, today_in
from exchange.services.events.tell_events import facts_text
from exchange.services.log.write_leaves import LeafDraft, write_leaves
from exchange.services.ports import Ports, Work
from exchange.services.standing.ports import Announced, QualityMonth


def measure_quality(ports: Ports) -> list[QualityMonth]:
    """Measure every active lender that has no measure of this month, one transaction each.

    Raises:
        UnavailableError: the log of this year is not open yet.
    """
    today = today_in(ports.terms.profile.timezone, ports.now())
    with ports.begin() as work:
        members = work.standing.unmeasured(month(today))
    return [measured for member in members if (measured := _measure(member, today, ports))]


def _measure(member: str, today: date, ports: Ports) -> QualityMonth | None:
    now = ports.now()
    with ports.begin() as work:
        measures = work.standing.measure(member, now)
        index = index_of(measures)
        measured = QualityMonth(
            member=member,
            month=month(today),
            **asdict(index),
            quality=quality_of(index.dqi, measures.age_days),
            contribution=contribution_of(measures),
            measured_at=now,
        )
        if not work.standing.add_month(measured):
            return None  # Another run was faster.
        _announce(measured, today, work, ports)
        work.commit()
    return measured


def _announce(measured: QualityMonth, today: date, work: Work, ports: Ports) -> None:
    now = ports.now()
    depth = earned(measured.contribution, measured.quality)
    known = work.standing.announced(measured.member)
    pending = [one for one in known if one.effective_at > now]
    if depth is holding(known, now):
        if pending:
            work.standing.take_back(measured.member, now)
            _log(measured.member, "depth_unchanged", work, ports)
        return
    if pending and pending[-1].earned is depth:
        return
    holds_on = effective_date(today)
    zone = ZoneInfo(ports.terms.profile.timezone)
    midnight = datetime(holds_on.year, holds_on.month, holds_on.day, tzinfo=zone)
    change = Announced(
        member=measured.member,
        effective_at=int(midnight.timestamp()),
        earned=depth,
        quality=measured.quality,
        contribution=measured.contribution,
        announced_at=now,
    )
    work.standing.announce(change)
    work.events.add([_event(change, holds_on, ports)])
    _log(measured.member, f"depth_{depth.value.lower()}", work, ports)


def holding(known: Sequence[Announced], now: int) -> Earned:
    """Return the depth that holds now: everything, where nothing was ever announced."""
    past = [one for one in known if one.effective_at <= now]
    return past[-1].earned if past else Earned.ALL


def _event(change: Announced, holds_on: date, ports: Ports) -> NewEvent:
    facts = {
        "earned": change.earned.value,
        "effective_on": holds_on.isoformat(),
        "quality": change.quality.value,
        "contribution": change.contribution.value,
    }
    return NewEvent(
        event_id=uuid7(ports.now_ms(), ports.random_bytes),
        member=change.member,
        kind=EventKind.DEPTH_ANNOUNCED,
        about=None,
        facts=facts_text(facts),
        made_at=change.announced_at,
    )


def _log(member: str, event: str, work: Work, ports: Ports) -> None:
    draft = LeafDraft(kind=Kind.ADMIN, member=member, subject_slot={"event": event})
    write_leaves(work, [draft], ports, ports.now())
