"""Remove what may no longer be kept, and certify it: one turn is one transaction, whole or absent.

In:  the day, and how many records a turn may take.
Out: the signed certificate: counts by cause, keys destroyed, a root over what went.
Order: due records are found and held, opened once to learn the cause, removed with their keys; then
the leaf, the certificate, the commit. A second run of a day removes nothing more.
What a file, a record sent alone or a dispute's answer is at is left to a later run: nobody waits.
Findings never wait for this job: whatever is due is out of every formula by its date.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from exchange.crypto.keyring import Use
from exchange.crypto.sealing import record_aad, unpad
from exchange.crypto.signing import sign_jws
from exchange.domain import merkle
from exchange.domain.base64url import b64url
from exchange.domain.ids import show, uuid7
from exchange.domain.life.purging import Bounds, Cause, bounds_of, cause_of, version_entry
from exchange.domain.log.kinds import Kind
from exchange.domain.records import decode_payload, today_in
from exchange.errors import PurgeRunning
from exchange.services.log.write_leaves import LeafDraft, standard_base64, write_leaves
from exchange.services.ports import MMD_SECONDS, Ports, Work
from exchange.services.retention.ports import (
    DueRecord,
    GoneAccount,
    GoneVersion,
    PurgeRun,
    Tombstone,
)

PURGE_TYPE = "cx-purge+jwt"
_TOMBSTONES = {Cause.DELETE_ERROR, Cause.DELETE_FRAUD}


@dataclass(frozen=True, slots=True, kw_only=True)
class Purged:
    """One turn's work."""

    run: PurgeRun
    full: bool  # there may be more


@dataclass(frozen=True, slots=True, kw_only=True)
class _Gone:
    """What one turn removed."""

    causes: dict[UUID, Cause]
    versions: list[GoneVersion]


def purge_records(records_max: int, fault_keep_days: int, ports: Ports) -> Purged:
    """Remove up to so many records, and sign what went.

    A turn that finds nothing gives the certificate of this day, if there is one already.

    Raises:
        PurgeRunning: another purge is under way.
        IntegrityError: a record that is due does not open; nothing is removed.
        UnavailableError: the log of this year is not open yet.
    """
    now = ports.now()
    profile = ports.terms.profile
    today = today_in(profile.timezone, now)
    with ports.begin() as work:
        if not work.retention.begin_purge():
            raise PurgeRunning
        found = work.retention.due(today, records_max)
        due = work.retention.hold(found)
        bounds = bounds_of(profile, today, now, fault_keep_days)
        gone = _remove(due, bounds, today, work, ports)
        earlier = work.retention.runs(today, 1)
        if not gone.versions and earlier:
            work.commit()
            return Purged(run=earlier[0], full=False)
        run = _certify(gone, today, work, ports)
        work.retention.add_run(run)
        work.commit()
    return Purged(run=run, full=bool(due) and len(found) == records_max)


def _remove(
    due: Sequence[DueRecord], bounds: Bounds, today: date, work: Work, ports: Ports
) -> _Gone:
    causes = {record.record_id: _cause(record, ports) for record in due}
    versions, accounts = work.retention.remove(list(causes)) if causes else ([], [])
    work.transfers.forget(list(causes))
    if past := [one for one, cause in causes.items() if cause is Cause.RETENTION]:
        work.retention.remove_disputes(past)
    tombstones = [_tombstone(one, causes[one.record_id], today, ports) for one in accounts]
    if kept := [one for one in tombstones if one.reason in _TOMBSTONES]:
        work.retention.add_tombstones(kept)
    return _Gone(causes=causes, versions=versions + work.retention.remove_leftovers(bounds))


def _cause(record: DueRecord, ports: Ports) -> Cause:
    aad = record_aad(record.record_id.bytes, record.version, record.member, record.epoch)
    key = ports.sealer.open_key(record.kek_id, record.wrapped, aad)
    payload = decode_payload(unpad(key.open(record.sealed, aad)))
    return cause_of(payload.status, suppressed=record.suppressed)


def _tombstone(account: GoneAccount, cause: Cause, today: date, ports: Ports) -> Tombstone:
    return Tombstone(
        record_id=account.record_id,
        member=account.member,
        account_mac=ports.keyring.account_mac(account.member, account.account_ref),
        reason=cause.value,
        day=today,
    )


def _certify(gone: _Gone, today: date, work: Work, ports: Ports) -> PurgeRun:
    now = ports.now()
    run_id = uuid7(ports.now_ms(), ports.random_bytes)
    entries = [version_entry(one.record_id, one.version) for one in sorted(gone.versions)]
    root = merkle.root([merkle.leaf_hash(entry) for entry in entries])
    draft = LeafDraft(
        kind=Kind.ERASURE,
        member="",
        subject_slot={"basis": "purge"},
        audit_slot={
            "case": show("prg", run_id),
            "rows": len(entries),
            "root": standard_base64(root),
        },
    )
    leaf_hash = write_leaves(work, [draft], ports, now)[0].leaf_hash
    counts = Counter(gone.causes.values())
    terms, keyring = ports.terms, ports.keyring
    claims = {
        "iss": terms.issuer,
        "iat": now,
        "run": show("prg", run_id),
        "on": today.isoformat(),
        "profile": terms.profile.ref,
        "records": {cause.value: counts[cause] for cause in Cause},
        "keys": len(entries),  # each version had a data key of its own
        "root": b64url(root),
        "leaf": b64url(leaf_hash),
        "log": ports.origin(now),
        "mmd": MMD_SECONDS,
    }
    payload = json.dumps(claims, separators=(",", ":")).encode()
    kid, signer = keyring.kid(Use.STATEMENT), keyring.signer(Use.STATEMENT)
    return PurgeRun(
        run_id=run_id,
        ran_on=today,
        ran_at=now,
        records=len(gone.causes),
        versions=len(entries),
        leaf_hash=leaf_hash,
        certificate=sign_jws(payload, PURGE_TYPE, kid, signer),
    )
