"""What retention takes away: for which cause, how a removed version is named in the certificate.

Source: records.md, 12.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from consent.profiles import Profile
from exchange.domain.ids import uuid7
from exchange.domain.records import Status, later

DISPUTE_KEEP_DAYS = 90  # after its end, where the record is gone: what quality is measured over
_DAY_SECONDS = 86_400


class Cause(StrEnum):
    """Why a record is removed."""

    RETENTION = "RETENTION"
    DELETE_ERROR = "DELETE_ERROR"
    DELETE_FRAUD = "DELETE_FRAUD"
    WITHDRAWN = "WITHDRAWN"
    ERASURE = "ERASURE"


_DELETED = {
    Status.DELETED_ERROR: Cause.DELETE_ERROR,
    Status.DELETED_FRAUD: Cause.DELETE_FRAUD,
}


class Bounds(NamedTuple):
    """Before which moments what is kept beside records goes as well (unix seconds)."""

    superseded: int
    superseded_id: UUID
    disputes: int
    faults: int


def cause_of(status: Status, *, suppressed: bool) -> Cause:
    """Return why a due record goes: deleted, withdrawn from use, or simply past its time."""
    return _DELETED.get(status, Cause.WITHDRAWN if suppressed else Cause.RETENTION)


def version_entry(record_id: UUID, version: int) -> bytes:
    """Name a removed version in the certificate's tree: 16 bytes of id, 4 of version."""
    return record_id.bytes + version.to_bytes(4, "big")


def bounds_of(profile: Profile, today: date, now: int, fault_keep_days: int) -> Bounds:
    """Return the moments before which leftovers go.

    Args:
        now: unix seconds.
    """
    years = later(today, -12 * profile.retention_years)
    superseded = now - (today - years).days * _DAY_SECONDS
    return Bounds(
        superseded=superseded,
        superseded_id=uuid7(superseded * 1_000, bytes),
        disputes=now - DISPUTE_KEEP_DAYS * _DAY_SECONDS,
        faults=now - fault_keep_days * _DAY_SECONDS,
    )
