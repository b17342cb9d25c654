"""Seal what accepted rows say and append it, each version under a data key of its own."""

from __future__ import annotations

from collections.abc import Sequence

from exchange.crypto.sealing import pad, record_aad
from exchange.domain.ids import uuid7
from exchange.domain.records import date_of, encode_payload
from exchange.domain.rows import AnyRow, Deletion, Reason
from exchange.services.events.tell_corrections import Cause, look_before, tell_corrected
from exchange.services.ports import Ports, Work
from exchange.services.records.judge_rows import Change
from exchange.services.records.ports import NewVersion, Writing


def append_versions(changes: Sequence[Change], writing: Writing, work: Work, ports: Ports) -> None:
    """Append the versions of these changes; whom a correction concerns is told of it."""
    if not changes:
        return
    # Looked at before anything is written, so that only the correction can make a difference.
    given = [
        (look_before(change.indices, work, ports), cause)
        for change in changes
        if (cause := corrects(change.row))
    ]
    versions = [seal_version(change, writing.member, ports) for change in changes]
    work.records.append_versions(versions, writing)
    for answers, cause in given:
        tell_corrected(answers, cause, work, ports)


def corrects(row: AnyRow) -> Cause | None:
    """Say how a row corrects what was said before; what merely goes on corrects nothing."""
    if isinstance(row, Deletion):
        return Cause.DELETED
    return Cause.AMENDED if row.reason is Reason.AMEND else None


def seal_version(change: Change, member: str, ports: Ports) -> NewVersion:
    """Seal what one row makes of its record."""
    continues, payload = change.continues, change.payload
    record_id = continues.record_id if continues else uuid7(ports.now_ms(), ports.random_bytes)
    version = continues.version + 1 if continues else 1
    # Bound to its row: a payload moved to another record, member or epoch does not open.
    aad = record_aad(record_id.bytes, version, member, change.epoch)
    key = ports.sealer.new_key(aad)
    deletion = isinstance(change.row, Deletion)
    return NewVersion(
        account_ref=change.row.account_ref,
        previous_ref=None if isinstance(change.row, Deletion) else change.row.previous_ref,
        record_id=record_id,
        version=version,
        epoch=change.epoch,
        indices=change.indices,
        open=payload.open,
        overdue=payload.open and payload.overdue_minor > 0,
        disputed=change.disputed,
        suppressed=deletion,
        grant_id=change.grant_id,
        purge_on=None if payload.purge_on is None else date_of(payload.purge_on),
        kek_id=key.kek_id,
        wrapped=key.wrapped,
        sealed=key.seal(pad(encode_payload(payload)), aad),
    )
