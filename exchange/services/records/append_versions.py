"""Seal what accepted rows say and append it, each version under a data key of its own."""

from __future__ import annotations

from collections.abc import Sequence

from exchange.crypto.sealing import pad, record_aad
from exchange.domain.ids import uuid7s
from exchange.domain.records import OPEN, encode_payload
from exchange.domain.rows import AnyRow, Deletion, Reason
from exchange.errors import UnavailableError
from exchange.services.events.tell_corrections import Cause, look_before, tell_corrected
from exchange.services.ports import Ports, Work
from exchange.services.records.ports import NewVersion, Writing
from exchange.services.records.verdicts import Change


def append_versions(changes: Sequence[Change], writing: Writing, work: Work, ports: Ports) -> None:
    """Append the versions of these changes; whom a correction concerns is told of it.

    Raises:
        UnavailableError: after these rows were judged an account was purged, or the other side of a
            transfer spoke.
    """
    if not changes:
        return
    # Looked at before anything is written, so that only the correction can make a difference.
    given = [
        (look_before(change.indices, work, ports), cause)
        for change in changes
        if (cause := corrects(change.row))
    ]
    versions = seal_versions(changes, writing.member, ports)
    if later := [version for version in versions if version.version > 1]:
        if not work.records.hold_accounts(writing.member, later):
            raise UnavailableError("the account is being removed just now")
        work.grants.hold_versions(writing.member)
    work.records.append_versions(versions, writing)
    moved = [
        move.moved((version.record_id, version.version))
        for change, version in zip(changes, versions, strict=True)
        for move in change.transfers
    ]
    if not work.transfers.keep(moved):
        raise UnavailableError("the other side of this transfer is being stored just now")
    for answers, cause in given:
        tell_corrected(answers, cause, work, ports)


def corrects(row: AnyRow) -> Cause | None:
    """Say how a row corrects what was said before; what merely goes on corrects nothing."""
    if isinstance(row, Deletion):
        return Cause.DELETED
    return Cause.AMENDED if row.reason is Reason.AMEND else None


def seal_versions(changes: Sequence[Change], member: str, ports: Ports) -> list[NewVersion]:
    """Seal what rows make of their records, each version under a data key of its own."""
    fresh = iter(uuid7s(ports.now_ms(), len(changes), ports.random_bytes))
    ids = [
        (before.record_id.bytes, before.version + 1) if (before := change.continues) else (new, 1)
        for change, new in zip(changes, fresh, strict=True)
    ]
    sealed = ports.sealer.seal_each(
        [
            # Bound to its row: a payload moved to another record, member or epoch does not open.
            (
                pad(encode_payload(change.payload)),
                record_aad(record_id, version, member, change.epoch),
            )
            for change, (record_id, version) in zip(changes, ids, strict=True)
        ]
    )
    kek_id = ports.sealer.kek_id
    return [
        _version(change, place, kek_id, each)
        for change, place, each in zip(changes, ids, sealed, strict=True)
    ]


def _version(
    change: Change, place: tuple[bytes, int], kek_id: str, sealed: tuple[bytes, bytes]
) -> NewVersion:
    payload, row = change.payload, change.row
    is_open = payload.status in OPEN
    # By position, in the order of its fields: names cost more than the rest of it.
    return NewVersion(
        row.account_ref,
        None if isinstance(row, Deletion) else row.previous_ref,
        place[0],
        place[1],
        change.epoch,
        change.indices,
        is_open,
        is_open and payload.overdue_minor > 0,
        change.disputed,
        isinstance(row, Deletion),
        change.grant_id,
        payload.purge_on,
        kek_id,
        sealed[0],
        sealed[1],
    )
