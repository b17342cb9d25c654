"""Keep how each member's months of loans were judged, and show them without judging anew.

Judging reads the whole log, which a page cannot wait for. The worker judges it for the flags
anyway and leaves the counts here; each loan's evidence is `judge_loans`, judged when it is asked.
"""

from __future__ import annotations

from collections.abc import Iterable

from exchange.domain.lend_first import Check, Month
from exchange.domain.queries import Asker
from exchange.errors import AbsentError
from exchange.services.audit.log_access import Access, log_access
from exchange.services.audit.ports import AuditPorts, JudgedMonth
from exchange.services.log.ports import LogRef


def keep_months(found: Iterable[Month], log: LogRef, size: int, audit_ports: AuditPorts) -> None:
    """Keep what the months of a log of this size came to, in place of an earlier judgement."""
    now = audit_ports.ports.now()
    months = [
        JudgedMonth(
            member=one.member,
            month=one.month,
            in_time=one.count(Check.IN_TIME),
            stale=one.count(Check.STALE),
            late=one.count(Check.LATE),
            never=one.count(Check.NEVER),
            unwitnessed=sum(not loan.witnessed for loan in one.loans),
            size=size,
            judged_at=now,
        )
        for one in found
    ]
    with audit_ports.begin() as work:
        work.months.keep(log.log_id, months, size=size)
        work.commit()


def show_months(origin: str, asker: Asker, audit_ports: AuditPorts) -> list[JudgedMonth]:
    """Return members' months of loans as they were last judged, and log that they were read.

    Raises:
        AbsentError: there is no such log.
    """
    ports = audit_ports.ports
    with audit_ports.begin() as work:
        log = work.audit.find_log(origin)
        if log is None:
            raise AbsentError
        found = work.months.all(log.log_id)
        access = Access(asker=asker, what={"list": "lend-first", "log": origin}, rows=len(found))
        log_access(work, access, ports, ports.now())
        work.commit()
    return found
