"""Look for flags in the whole log, and write each new one as a leaf.

Flags follow from the log and the parameters alone, so running this twice, or on two workers at
once, raises nothing twice: a flag's digest is its key. Source: log.md, 13.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

from exchange.domain.flags.engine import find_flags
from exchange.domain.flags.events import Event, Flag, event_of
from exchange.domain.leaves import JsonValue, canonical_json
from exchange.domain.lend_first import months
from exchange.domain.log.kinds import Kind
from exchange.services.audit.judge_loans import judged_loans, late_months
from exchange.services.audit.ports import AuditPorts, RaisedFlag
from exchange.services.audit.read_events import Opened, read_opened
from exchange.services.audit.show_months import keep_months
from exchange.services.log.ports import LogRef
from exchange.services.log.write_leaves import LeafDraft, write_leaves


def raise_flags(audit_ports: AuditPorts) -> int:
    """Raise what the active log shows and nobody raised yet; return how many.

    Raises:
        IntegrityError: an opening is not what its leaf commits to.
    """
    ports = audit_ports.ports
    with audit_ports.begin() as work:
        log = work.audit.find_log(ports.origin(ports.now()))
        newest = None if log is None else work.audit.newest(log.log_id, since=ports.now())
        if log is None or newest is None:
            return 0
        signed_at = work.audit.signed_at(log.log_id, size=newest.size)
        raised = work.audit.flag_digests(log.log_id)
    opened = list(read_opened(log, newest.size, audit_ports))
    found = find_flags(events_of(opened), signed_at, audit_ports.parameters)
    judged = judged_loans(opened, log, audit_ports)
    keep_months(months(judged), log, newest.size, audit_ports)
    found += late_months(judged, opened, audit_ports.parameters)
    fresh = [flag for flag in found if flag_digest(flag) not in raised]
    return sum(_raise(flag, log, newest.size, audit_ports) for flag in fresh)


def events_of(opened: Iterable[Opened]) -> list[Event]:
    """Give each entry its time, which never runs back."""
    events: list[Event] = []
    latest = 0
    for index, subject, audit in opened:
        event = event_of(index, latest, subject, audit)
        latest = event.at
        events.append(event)
    return events


def flag_digest(flag: Flag) -> bytes:
    """Return what a flag is known by: SHA-256 of what it says."""
    said: dict[str, JsonValue] = {
        "rule": flag.rule,
        "member": flag.member,
        "from": flag.start,
        "to": flag.end,
        "hits": list(flag.hits),
    }
    return sha256(canonical_json(said)).digest()


def _raise(flag: Flag, log: LogRef, size: int, audit_ports: AuditPorts) -> bool:
    """Write one flag and its leaf, unless somebody was faster."""
    ports = audit_ports.ports
    now = ports.now()
    draft = LeafDraft(
        kind=Kind.FLAG,
        member=flag.member,
        subject_slot={"rule": flag.rule, "from": flag.start, "to": flag.end},
        audit_slot={
            "hits": list(flag.hits),
            "parameters": {**audit_ports.parameters[flag.rule], "log_size": size},
        },
    )
    with audit_ports.begin() as work:
        [leaf] = write_leaves(work, [draft], ports, now)
        row = RaisedFlag(
            rule=flag.rule,
            member=flag.member,
            start=flag.start,
            end=flag.end,
            hits=flag.hits,
            leaf_hash=leaf.leaf_hash,
            raised_at=now,
        )
        if not work.audit.put_flag(log.log_id, row, flag_digest(flag)):
            return False  # Leaving without a commit undoes the leaf.
        work.commit()
    return True
