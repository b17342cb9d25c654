"""Show an authority the flags that were raised, and how each member stands."""

from __future__ import annotations

from collections import Counter

from exchange.domain.base64url import b64url
from exchange.domain.leaves import JsonValue
from exchange.domain.queries import Asker
from exchange.errors import AbsentError
from exchange.services.audit.log_access import Access, log_access
from exchange.services.audit.ports import AuditPorts, RaisedFlag


def show_flags(
    origin: str, rule: str | None, member: str | None, asker: Asker, audit_ports: AuditPorts
) -> list[RaisedFlag]:
    """Return flags as they were raised, and log that they were read.

    Raises:
        AbsentError: there is no such log.
    """
    ports = audit_ports.ports
    what: dict[str, JsonValue] = {"list": "flags", "log": origin}
    what |= {name: one for name, one in (("rule", rule), ("member", member)) if one is not None}
    with audit_ports.begin() as work:
        log = work.audit.find_log(origin)
        if log is None:
            raise AbsentError
        found = work.audit.flags(log.log_id, rule=rule, member=member)
        access = Access(asker=asker, what=what, rows=len(found))
        log_access(work, access, ports, ports.now())
        work.commit()
    return found


def show_compliance(
    origin: str, member: str | None, asker: Asker, audit_ports: AuditPorts
) -> list[dict[str, JsonValue]]:
    """Return what each member did, by kind and outcome, and the flags it has.

    Raises:
        AbsentError: there is no such log.
    """
    ports = audit_ports.ports
    what: dict[str, JsonValue] = {"list": "compliance", "log": origin}
    if member is not None:
        what["member"] = member
    with audit_ports.begin() as work:
        log = work.audit.find_log(origin)
        if log is None:
            raise AbsentError
        counts = work.audit.counts(log.log_id, member=member)
        flags = work.audit.flags(log.log_id, rule=None, member=member)
        names = sorted({name for name, *_ in counts} | {flag.member for flag in flags} - {""})
        access = Access(asker=asker, what=what, rows=len(names))
        log_access(work, access, ports, ports.now())
        work.commit()
    return [_standing(name, counts, flags) for name in names]


def _standing(
    name: str, counts: list[tuple[str, str, str, int]], flags: list[RaisedFlag]
) -> dict[str, JsonValue]:
    kinds: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    for member, kind, outcome, count in counts:
        if member == name:
            kinds[kind] += count
            if outcome:
                outcomes[outcome] += count
    raised = Counter(flag.rule for flag in flags if flag.member == name)
    return {
        "member": name,
        "entries": dict(sorted(kinds.items())),
        "outcomes": dict(sorted(outcomes.items())),
        "flags": dict(sorted(raised.items())),
    }


def shown_flag(flag: RaisedFlag) -> dict[str, JsonValue]:
    """Write a flag as it is shown."""
    return {
        "rule": flag.rule,
        "member": flag.member,
        "from": flag.start,
        "to": flag.end,
        "hits": list(flag.hits),
        "leaf": b64url(flag.leaf_hash),
        "raised_at": flag.raised_at,
    }
