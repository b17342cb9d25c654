"""Report members' data quality by month, what it earns, and what changes next."""

from __future__ import annotations

from dataclasses import dataclass

from consent.reciprocity import Earned
from exchange.domain.members import Role
from exchange.domain.queries import Asker
from exchange.services.ports import Ports
from exchange.services.standing.measure_quality import holding
from exchange.services.standing.ports import Announced, QualityMonth

_MONTHS_MAX = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityReport:
    """One member's quality."""

    member: str
    months: tuple[QualityMonth, ...]  # the newest first
    earned: Earned  # holds now
    next: Announced | None  # holds later


def report_quality(member: str | None, caller: Asker, ports: Ports) -> list[QualityReport]:
    """Report the caller's own quality; a regulator's report is of one member, or of all.

    Args:
        member: whose report a regulator asks for; a lender gets its own whatever it says.
    """
    regulator = Role.REGULATOR in caller.roles
    wanted = member if regulator else caller.member
    with ports.begin() as work:
        members = [one.member for one, _ in work.members.all()] if regulator else [caller.member]
        chosen = [one for one in members if wanted in (None, one)]
        rows = _MONTHS_MAX * max(1, len(members))
        months = work.standing.months(wanted, rows)
        announced = work.standing.announced(wanted)
    return [_report(one, months, announced, ports.now()) for one in chosen]


def _report(
    member: str, months: list[QualityMonth], announced: list[Announced], now: int
) -> QualityReport:
    own = [one for one in announced if one.member == member]
    pending = [one for one in own if one.effective_at > now]
    return QualityReport(
        member=member,
        months=tuple(one for one in months if one.member == member)[:_MONTHS_MAX],
        earned=holding(own, now),
        next=pending[-1] if pending else None,
    )
