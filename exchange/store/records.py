"""Statements about records and the accounts they speak of.

Set by set: one statement reads the stored state of many accounts, one COPY appends versions.
Versions append; of what is stored only the mark of the current one changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from consent.grants import GrantState, HeldGrant
from consent.purposes import Detail
from exchange.domain.records import date_of
from exchange.services.records.ports import (
    GrantAsk,
    NewVersion,
    SealedAccount,
    Writing,
)
from exchange.store.statement import Statement, array_of, array_of_bytes, copy_rows

_LOCK_UPLOADS = Statement(
    "SELECT pg_advisory_xact_lock(hashtextextended('uploads of ' || %(member)s, 0))"
)

_ACCOUNTS = Statement("""
SELECT a.account_ref, a.record_id, a.version, a.sequence, a.epoch, a.token_index, r.disputed,
    r.kek_id, r.wrapped, r.sealed
FROM unnest(%(refs)s::text[]) AS wanted(account_ref), LATERAL (
    SELECT * FROM account
    WHERE member_id = %(member)s AND account_ref = wanted.account_ref OFFSET 0
) AS a, LATERAL (
    SELECT disputed, kek_id, wrapped, sealed FROM record
    WHERE token_index = a.token_index AND record_id = a.record_id AND version = a.version OFFSET 0
) AS r
""")

# Held in the order of their keys, as everywhere; a withdrawal waits for us, or we see it. OFFSET 0
# keeps each a probe of the index.
_HELD_GRANTS = Statement("""
SELECT g.purpose, g.state, g.level, g.cross_border, g.not_before, g.expires
FROM (
    SELECT * FROM unnest(%(indices)s::bytea[], %(grant_ids)s::uuid[])
        AS each(token_index, grant_id)
    ORDER BY token_index, grant_id
) AS asked, LATERAL (
    SELECT purpose, state, level, cross_border, not_before, expires FROM grants
    WHERE token_index = asked.token_index AND grantee = %(member)s AND grant_id = asked.grant_id
    OFFSET 0 FOR SHARE
) AS g
""")

_REGISTERED = Statement("""
SELECT grant_id FROM grant_artefact
WHERE grantee = %(member)s AND grant_id = ANY (%(grant_ids)s::uuid[])
""")

# In the order of the key. One that was removed or moved on since it was read is not found.
_HOLD_ACCOUNTS = Statement("""
SELECT a.account_ref FROM account a
JOIN unnest(%(refs)s::text[], %(record_ids)s::uuid[], %(versions)s::int[])
    AS v(account_ref, record_id, version) USING (account_ref, record_id, version)
WHERE a.member_id = %(member)s ORDER BY a.account_ref FOR UPDATE OF a
""")

_RETIRE = Statement("""
UPDATE record SET current = false WHERE record_id = ANY (%(record_ids)s::uuid[]) AND current
""")

_COPY_VERSIONS = """
COPY record (token_index, record_id, version, member_id, epoch, current, open, overdue, disputed,
    suppressed, grant_id, batch_id, submitted_at, purge_on, kek_id, wrapped, sealed)
FROM STDIN (FORMAT BINARY)
"""
_VERSION_TYPES = (
    *("bytea", "uuid", "int4", "text", "text"),
    *("bool",) * 5,
    *("uuid", "uuid", "int8", "date", "text", "bytea", "bytea"),
)

_KEEP_ACCOUNTS = Statement("""
INSERT INTO account (member_id, account_ref, record_id, version, token_index, epoch, sequence)
SELECT %(member)s, v.account_ref, v.record_id, v.version, v.token_index, v.epoch,
    coalesce(%(sequence)s::bigint, 0)
FROM unnest(%(refs)s::text[], %(record_ids)s::uuid[], %(versions)s::int[], %(indices)s::bytea[],
    %(epochs)s::text[]) AS v(account_ref, record_id, version, token_index, epoch)
ON CONFLICT (member_id, account_ref) DO UPDATE SET record_id = excluded.record_id,
    version = excluded.version, token_index = excluded.token_index, epoch = excluded.epoch,
    sequence = coalesce(%(sequence)s::bigint, account.sequence)
""")

_DROP_ACCOUNTS = Statement("""
DELETE FROM account WHERE member_id = %(member)s AND account_ref = ANY (%(refs)s::text[])
""")

_LIVE_ACCOUNTS = Statement("""
SELECT count(*) AS live FROM record
WHERE token_index = ANY (%(indices)s::bytea[]) AND member_id = %(member)s AND current AND open
    AND NOT suppressed
GROUP BY token_index ORDER BY live DESC LIMIT 1
""")


class Records:
    """Statements about records, bound to one open transaction."""

    def __init__(self, connection: Connection[TupleRow]) -> None:
        self._connection = connection

    def lock_uploads(self, member: str) -> None:
        """Let one upload of a member run after another, until the end of the transaction."""
        _LOCK_UPLOADS.run(self._connection, {"member": member})

    def accounts(self, member: str, refs: Sequence[str]) -> list[SealedAccount]:
        """Find the newest version of each of these accounts that is known."""
        found = _ACCOUNTS.run(
            self._connection, {"member": member, "refs": array_of(refs)}, prepare=len(refs) == 1
        )
        return [SealedAccount(*row) for row in found]

    def held_grants(self, member: str, asks: Sequence[GrantAsk]) -> list[HeldGrant]:
        """Find these grants of the member and hold them as they are until the end."""
        parameters = {
            "member": member,
            "indices": array_of_bytes([index for index, _ in asks]),
            "grant_ids": array_of([grant_id.hex() for _, grant_id in asks]),
        }
        found = _HELD_GRANTS.run(self._connection, parameters, prepare=len(asks) == 1)
        return [held_grant(member, row) for row in found]

    def registered_grants(self, member: str, grant_ids: Sequence[bytes]) -> set[bytes]:
        """Say which of these grants the member has registered, for whatever subject."""
        parameters = {"member": member, "grant_ids": array_of(one.hex() for one in grant_ids)}
        found = _REGISTERED.run(self._connection, parameters, prepare=False)
        return {row[0].bytes for row in found}

    def hold_accounts(self, member: str, versions: Sequence[NewVersion]) -> bool:
        """Hold the accounts of versions that follow others; False if one has moved on."""
        parameters = {
            "member": member,
            "refs": [version.previous_ref or version.account_ref for version in versions],
            "record_ids": [UUID(bytes=version.record_id) for version in versions],
            "versions": [version.version - 1 for version in versions],
        }
        found = _HOLD_ACCOUNTS.run(self._connection, parameters, prepare=len(versions) == 1)
        return len(found.fetchall()) == len(versions)

    def append_versions(self, versions: Sequence[NewVersion], writing: Writing) -> None:
        """Append versions, each the current one of its record from now on."""
        later = [UUID(bytes=version.record_id) for version in versions if version.version > 1]
        if later:
            _RETIRE.run(self._connection, {"record_ids": later}, prepare=len(later) == 1)
        copy_rows(
            self._connection,
            _COPY_VERSIONS,
            _VERSION_TYPES,
            (
                _version_row(index, version, writing)
                for version in versions
                for index in version.indices
            ),
        )
        if left := [version.previous_ref for version in versions if version.previous_ref]:
            _DROP_ACCOUNTS.run(self._connection, {"member": writing.member, "refs": left})
        parameters = {
            "member": writing.member,
            "sequence": writing.sequence,
            "refs": [version.account_ref for version in versions],
            "record_ids": [UUID(bytes=version.record_id) for version in versions],
            "versions": [version.version for version in versions],
            "indices": [version.indices[0] for version in versions],
            "epochs": [version.epoch for version in versions],
        }
        _KEEP_ACCOUNTS.run(self._connection, parameters, prepare=len(versions) == 1)

    def live_accounts(self, member: str, indices: Sequence[bytes]) -> int:
        """Count the member's open records under the one of these tokens that has most of them."""
        parameters = {"member": member, "indices": array_of_bytes(indices)}
        row = _LIVE_ACCOUNTS.run(self._connection, parameters).fetchone()
        return row[0] if row else 0


def _version_row(index: bytes, version: NewVersion, writing: Writing) -> tuple[object, ...]:
    return (
        index,
        UUID(bytes=version.record_id),
        version.version,
        writing.member,
        version.epoch,
        True,
        version.open,
        version.overdue,
        version.disputed,
        version.suppressed,
        None if version.grant_id is None else UUID(bytes=version.grant_id),
        writing.batch_id,
        writing.submitted_at,
        None if version.purge_day is None else date_of(version.purge_day),
        version.kek_id,
        version.wrapped,
        version.sealed,
    )


def held_grant(member: str, row: TupleRow) -> HeldGrant:
    """Make a grant as a row is judged by it: a report is no look and no use."""
    purpose, state, level, cross_border, not_before, expires = row
    return HeldGrant(
        grantee=member,
        purpose=purpose,
        state=GrantState(state),
        level=level,
        cross_border=cross_border,
        not_before=not_before,
        expires=expires,
        uses=0,
        max_uses=None,
        window_start=0,
        window_uses=0,
        window_max=None,
        window_seconds=0,
        detail=Detail.OUTCOME,
        fields=frozenset(),
        lookback_months=0,
    )
