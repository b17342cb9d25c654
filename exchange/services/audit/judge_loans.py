"""Say of each member's loans which were looked at in time, with the leaves that show it.

Source: log.md, 14; the rules are `domain/lend_first.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from consent.purposes import NEW_CREDIT
from exchange.domain.flags.events import Flag
from exchange.domain.flags.parameters import Parameters
from exchange.domain.leaves import JsonValue
from exchange.domain.lend_first import (
    LOANS_MIN,
    OPENED_EVENT,
    Check,
    Judged,
    Loan,
    LoanLook,
    Month,
    WitnessTimes,
    judge,
    months,
)
from exchange.domain.log.kinds import Kind
from exchange.domain.queries import Asker
from exchange.errors import AbsentError
from exchange.services.audit.log_access import Access, log_access
from exchange.services.audit.ports import QUORUM_SECONDS_MAX, AuditPorts
from exchange.services.audit.read_events import Opened, Payload, read_opened
from exchange.services.log.ports import LogRef

MONTH_OPEN_SECONDS = 30 * 86_400  # a look may still come so long after the last loan


def judge_loans(
    origin: str, member: str | None, month: str | None, asker: Asker, audit_ports: AuditPorts
) -> list[Month]:
    """Return members' months of loans, and log that they were read.

    Raises:
        AbsentError: there is no such log.
    """
    ports = audit_ports.ports
    now = ports.now()
    what: dict[str, JsonValue] = {"list": "lend-first", "log": origin}
    what |= {name: one for name, one in (("member", member), ("month", month)) if one is not None}
    with audit_ports.begin() as work:
        log = work.audit.find_log(origin)
        newest = log and work.audit.newest(log.log_id, since=now - QUORUM_SECONDS_MAX)
    if log is None or newest is None:
        raise AbsentError
    judged = judged_loans(read_opened(log, newest.size, audit_ports), log, audit_ports)
    shown = [
        one for one in months(judged) if member in (None, one.member) and month in (None, one.month)
    ]
    with audit_ports.begin() as work:
        log_access(work, Access(asker=asker, what=what, rows=len(shown)), ports, now)
        work.commit()
    return shown


def judged_loans(opened: Iterable[Opened], log: LogRef, audit_ports: AuditPorts) -> list[Judged]:
    """Judge every loan that the log reports."""
    loans, looks = [], []
    for index, subject, audit in opened:
        if _is_loan(subject):
            loans.append(_loan(index, subject, audit))
        elif _may_clear(subject):
            looks.append(_look(index, subject, audit))
    return judge(loans, looks, _times(log, audit_ports))


def late_months(
    judged: Iterable[Judged], opened: Sequence[Opened], parameters: Parameters
) -> list[Flag]:
    """lend_first/1: months that are over, and in which too many loans were not looked at."""
    numbers = parameters["lend_first/1"]
    latest = max((_number(one.subject, "t") for one in opened), default=0)
    found = []
    for one in months(judged):
        if latest < _closes_at(one.month) or len(one.loans) < numbers["loans_min"]:
            continue
        if one.unchecked * 100 > numbers["percent"] * len(one.loans):
            hits = [loan for loan in one.loans if loan.check in (Check.LATE, Check.NEVER)]
            found.append(_flag(one.member, hits))
    return found


def shown_month(month: Month) -> dict[str, object]:
    """Write a month as it is shown: counts, the ratio from 20 loans on, the evidence."""
    ratio = f"{month.unchecked}/{len(month.loans)}" if len(month.loans) >= LOANS_MIN else None
    return {
        "member": month.member,
        "month": month.month,
        "loans": len(month.loans),
        **{check.value: month.count(check) for check in Check},
        "unwitnessed": sum(not one.witnessed for one in month.loans),
        "ratio": ratio,
        "evidence": [
            {
                "loan": one.loan.index,
                "check": one.check.value,
                "look": None if one.look is None else one.look.index,
            }
            for one in month.loans
        ],
    }


def _flag(member: str, hits: Sequence[Judged]) -> Flag:
    paid = [one.loan.paid_at for one in hits]
    indices = tuple(sorted(one.loan.index for one in hits))
    return Flag(rule="lend_first/1", member=member, start=min(paid), end=max(paid), hits=indices)


def _closes_at(month: str) -> int:
    """Return when a month is judged: a look may still have come until then."""
    year, number = map(int, month.split("-"))
    after = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)
    return int(after.timestamp()) + MONTH_OPEN_SECONDS


def _times(log: LogRef, audit_ports: AuditPorts) -> WitnessTimes:
    cosigned: dict[int, dict[str, int]] = {}
    with audit_ports.begin() as work:
        for size, witness, at in work.audit.cosigned_at(log.log_id):
            cosigned.setdefault(size, {})[witness] = at
    met = ((size, audit_ports.policy.first_met_at(times)) for size, times in cosigned.items())
    return WitnessTimes((size, at) for size, at in met if at is not None)


def _is_loan(subject: Payload) -> bool:
    kind = subject.get("kind")
    return kind == Kind.DISBURSEMENT or (
        kind == Kind.RECORD and subject.get("event") == OPENED_EVENT
    )


def _may_clear(subject: Payload) -> bool:
    return (
        subject.get("kind") == Kind.QUERY
        and subject.get("purpose") in NEW_CREDIT
        and subject.get("outcome") != "WITHHELD"
    )


def _loan(index: int, subject: Payload, audit: Payload) -> Loan:
    return Loan(
        index=index,
        member=str(subject.get("member")),
        subject=str(subject.get("subject")),
        account=str(audit.get("account")),
        paid_at=_number(audit, "paid_at"),
        disbursed=subject.get("kind") == Kind.DISBURSEMENT,
    )


def _look(index: int, subject: Payload, audit: Payload) -> LoanLook:
    after = audit.get("after")
    size = after.get("size") if isinstance(after, Mapping) else None
    return LoanLook(
        index=index,
        member=str(subject.get("member")),
        subject=str(subject.get("subject")),
        t=_number(subject, "t"),
        after=size if isinstance(size, int) else None,
    )


def _number(said: Payload, name: str) -> int:
    value = said.get(name)
    return value if isinstance(value, int) else 0
