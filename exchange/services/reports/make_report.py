"""Make the consortium's report of this month, unless it has one.

    1 read every open account in one snapshot of the database, open it, count it: read-only, one
      subject at a time in memory
    2 take the months of loans as the worker judged them; nothing is judged anew
    3 leaf, both signed documents, row: one transaction

Opening every record is a look of its own kind. It is about nobody in particular, so it is a leaf of
its own (`report`) that says how many were opened and what came of it. Killed before 3, nothing was
told to anybody and the next run begins anew. Source: records.md, 15.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from itertools import groupby
from typing import Final

from exchange.crypto.keyring import Use
from exchange.crypto.sealing import record_aad, unpad
from exchange.crypto.signing import sign_jws
from exchange.domain.base64url import b64url
from exchange.domain.ids import show, uuid7
from exchange.domain.lend_first import LOANS_MIN, Check
from exchange.domain.log.kinds import Kind
from exchange.domain.records import RecordPayload, decode_payload, month, month_text, today_in
from exchange.domain.reports.consortium import FORM, Account, Consortium
from exchange.domain.reports.tables import Figure
from exchange.services.audit.ports import AuditPorts, JudgedMonth
from exchange.services.log.write_leaves import LeafDraft, standard_base64, write_leaves
from exchange.services.ports import MMD_SECONDS, Ports, Work
from exchange.services.reports.ports import ReportedAccount, SealedVersion, StoredReport

REPORT_TYPE: Final = "cx-report+jwt"
MONTH_SECONDS: Final = 30 * 86_400  # between snapshots, where none was taken before


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Of which moment a report tells, and of which it tells the moves."""

    at: int  # unix seconds
    today: date  # in the profile's time zone
    before: int  # the snapshot before it
    earlier: int  # and the one before that


@dataclass(slots=True, kw_only=True)
class _Counted:
    """What came of reading."""

    sums: Consortium
    records: int = 0  # versions that were opened
    names: dict[bytes, str] = field(default_factory=dict)  # pseudonyms of listed debtors


def make_report(audit_ports: AuditPorts) -> StoredReport | None:
    """Make the report of this month; None where it has one, or somebody was faster.

    Raises:
        IntegrityError: a record does not open; no report is made.
        UnavailableError: the log of this year is not open yet.
    """
    ports = audit_ports.ports
    now = ports.now()
    today = today_in(ports.terms.profile.timezone, now)
    with ports.begin() as work:
        if work.reports.newest(month(today)) is not None:
            return None
        taken = work.reports.snapshots(2)
    before = taken[0] if taken else now - MONTH_SECONDS
    earlier = taken[1] if len(taken) > 1 else before - MONTH_SECONDS
    snapshot = Snapshot(at=now, today=today, before=before, earlier=earlier)
    counted = _count(snapshot, ports)
    loans = _loans(snapshot, audit_ports)
    with ports.begin() as work:
        report = _certify(counted, loans, snapshot, work, ports)
        if not work.reports.add(report):
            return None  # Leaving without a commit undoes the leaf.
        work.commit()
    return report


def _count(snapshot: Snapshot, ports: Ports) -> _Counted:
    counted = _Counted(sums=Consortium(currency=ports.terms.profile.currency))
    with ports.begin() as work, closing(work.reports.accounts(snapshot.before)) as found:
        for token_index, accounts in groupby(found, key=lambda one: one.token_index):
            opened = list(_opened(accounts, snapshot, counted, ports))
            counted.sums.add_subject(token_index, opened)
    listed = counted.sums.cross.listed
    counted.names = {one.token_index: ports.keyring.pseudonym(one.token_index) for one in listed}
    return counted


def _opened(
    accounts: Iterable[ReportedAccount], snapshot: Snapshot, counted: _Counted, ports: Ports
) -> Iterator[Account]:
    for one in accounts:
        now = _open(one, one.now, ports)
        then = now if one.then else None
        counted.records += 1
        if one.then and one.then.version != one.now.version:
            then = _open(one, one.then, ports)
            counted.records += 1
        yield Account(
            member=one.member,
            now=now,
            then=then,
            told_now=one.now.submitted_at > snapshot.before,
            told_then=one.then is not None and one.then.submitted_at > snapshot.earlier,
        )


def _open(account: ReportedAccount, version: SealedVersion, ports: Ports) -> RecordPayload:
    aad = record_aad(account.record_id.bytes, version.version, account.member, version.epoch)
    opened = ports.sealer.open_one((version.kek_id, version.wrapped), version.sealed, aad)
    return decode_payload(unpad(opened))


def _loans(snapshot: Snapshot, audit_ports: AuditPorts) -> dict[str, Figure]:
    """Return months of loans as the worker judged them last; after New Year the old log's too."""
    ports = audit_ports.ports
    shown: list[Figure] = []
    with audit_ports.begin() as work:
        for origin in dict.fromkeys((ports.origin(snapshot.before), ports.origin(snapshot.at))):
            log = work.audit.find_log(origin)
            found = work.months.all(log.log_id) if log else []
            shown += [{"log": origin, **_shown_month(one)} for one in found]
    return {"months": shown}


def _shown_month(found: JudgedMonth) -> dict[str, Figure]:
    ratio = f"{found.late + found.never}/{found.loans}" if found.loans >= LOANS_MIN else None
    return {
        "size": found.size,
        "member": found.member,
        "month": found.month,
        "loans": found.loans,
        Check.IN_TIME: found.in_time,
        Check.STALE: found.stale,
        Check.LATE: found.late,
        Check.NEVER: found.never,
        "ratio": ratio,
    }


def _certify(
    counted: _Counted, loans: Figure, snapshot: Snapshot, work: Work, ports: Ports
) -> StoredReport:
    report_id = uuid7(ports.now_ms(), ports.random_bytes)
    figures = counted.sums.shown(counted.names, loans)
    named = month(snapshot.today)
    draft = LeafDraft(
        kind=Kind.REPORT,
        member="",
        subject_slot={"month": month_text(named), "rows": counted.records},
        audit_slot={
            "report": show("rpt", report_id),
            "figures_sha256": standard_base64(sha256(_json(figures)).digest()),
        },
    )
    now = ports.now()
    leaf_hash = write_leaves(work, [draft], ports, now)[0].leaf_hash
    terms = ports.terms
    head: dict[str, Figure] = {
        "iss": terms.issuer,
        "iat": now,
        "report": show("rpt", report_id),
        "form": FORM,
        "month": month_text(named),
        "snapshot": snapshot.at,
        "before": snapshot.before,
        "profile": terms.profile.ref,
        "currency": counted.sums.currency,
        "leaf": b64url(leaf_hash),
        "log": ports.origin(now),
        "mmd": MMD_SECONDS,
    }
    whole = {**head, "view": "regulator", "records": counted.records, "figures": figures}
    outward = {**head, "view": "members", "figures": counted.sums.shown_outward()}
    return StoredReport(
        report_id=report_id,
        month=named,
        snapshot_at=snapshot.at,
        records=counted.records,
        leaf_hash=leaf_hash,
        whole=_sign(whole, ports),
        outward=_sign(outward, ports),
    )


def _sign(claims: Figure, ports: Ports) -> str:
    kid, sign = ports.keyring.kid(Use.STATEMENT), ports.keyring.signer(Use.STATEMENT)
    return sign_jws(_json(claims), REPORT_TYPE, kid, sign)


def _json(value: Figure) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
