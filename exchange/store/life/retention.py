"""Statements about retention: what is due, what goes, what stays of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from exchange.domain.life.purging import Bounds
from exchange.services.retention.ports import (
    DueRecord,
    GoneAccount,
    GoneVersion,
    PurgeRun,
    Tombstone,
)
from exchange.store.statement import Statement

_BEGIN = Statement("SELECT pg_try_advisory_xact_lock(hashtextextended('purge', 0))")

_DUE_COLUMNS = "record_id, member_id, version, epoch, suppressed, kek_id, wrapped, sealed"
_CURRENT = f"SELECT {_DUE_COLUMNS} FROM record WHERE current AND"  # noqa: S608 - a constant
# Three index probes: records are due by their day, or because nobody may use them any more.
_DUE = Statement(f"""
SELECT DISTINCT ON (record_id) * FROM (
    ({_CURRENT} purge_on IS NOT NULL AND purge_on <= %(today)s
        ORDER BY purge_on LIMIT 4 * %(rows)s)
    UNION ALL
    ({_CURRENT} suppressed ORDER BY record_id LIMIT 4 * %(rows)s)
    UNION ALL
    (SELECT r.record_id, r.member_id, r.version, r.epoch, true, r.kek_id, r.wrapped, r.sealed
        FROM withheld w, LATERAL (
            SELECT * FROM record
            WHERE record_id = w.record_id AND version <= w.version AND current OFFSET 0
        ) AS r
        ORDER BY r.record_id LIMIT 4 * %(rows)s)
) AS due
ORDER BY record_id, suppressed DESC LIMIT %(rows)s
""")  # noqa: S608 - composed of constants alone

# Rows that belong to due records; those of them that nobody else is at are held, and the others not
# waited for: a file that has an account waits for its record, and we would for its account.
_BELONGING = {
    "account": "SELECT record_id, version FROM account WHERE record_id = ANY (%(ids)s::uuid[])",
    "dispute": "SELECT record_id, 0 FROM dispute WHERE record_id = ANY (%(ids)s::uuid[])",
    "sold": "SELECT sold_record, 0 FROM transfer WHERE sold_record = ANY (%(ids)s::uuid[])",
    "bought": "SELECT bought_record, 0 FROM transfer WHERE bought_record = ANY (%(ids)s::uuid[])",
}
_LOOK = {name: Statement(text) for name, text in _BELONGING.items()}
_HOLD = {name: Statement(text + " FOR UPDATE SKIP LOCKED") for name, text in _BELONGING.items()}

_REMOVE = Statement("""
DELETE FROM record WHERE record_id = ANY (%(ids)s::uuid[]) RETURNING record_id, version
""")
_REMOVE_ACCOUNTS = Statement("""
DELETE FROM account WHERE record_id = ANY (%(ids)s::uuid[])
RETURNING record_id, member_id, account_ref
""")
_REMOVE_ABSENT = Statement("""
DELETE FROM batch_absent a
USING unnest(%(members)s::text[], %(refs)s::text[]) AS gone (member_id, account_ref)
WHERE a.member_id = gone.member_id AND a.account_ref = gone.account_ref
""")
_REMOVE_STATEMENTS = Statement("DELETE FROM statement WHERE record_id = ANY (%(ids)s::uuid[])")
_REMOVE_MARKS = Statement("DELETE FROM dispute_mark WHERE record_id = ANY (%(ids)s::uuid[])")
_REMOVE_WITHHELD = Statement("DELETE FROM withheld WHERE record_id = ANY (%(ids)s::uuid[])")
_REMOVE_DISPUTES = Statement("""
WITH gone AS (
    DELETE FROM dispute WHERE record_id = ANY (%(ids)s::uuid[]) RETURNING dispute_id
)
DELETE FROM dispute_event e USING gone WHERE e.dispute_id = gone.dispute_id
""")

_OLD_VERSIONS = Statement("""
DELETE FROM record
WHERE record_id < %(superseded_id)s AND NOT current AND submitted_at < %(superseded)s
RETURNING record_id, version
""")
_OLD_DISPUTES = Statement("""
WITH gone AS (
    DELETE FROM dispute d
    WHERE coalesce(d.closed_at, d.answered_at, d.opened_at) < %(disputes)s
        AND NOT EXISTS (SELECT 1 FROM record r WHERE r.record_id = d.record_id)
    RETURNING dispute_id
)
DELETE FROM dispute_event e USING gone WHERE e.dispute_id = gone.dispute_id
""")
_IDLE_STATEMENTS = Statement("""
DELETE FROM statement s
WHERE s.record_id IS NULL
    AND NOT EXISTS (SELECT 1 FROM record r WHERE r.token_index = s.token_index AND r.current)
""")
# What came after took its place, or suppressed it as well.
_IDLE_WITHHELD = Statement("""
DELETE FROM withheld w
WHERE NOT EXISTS (
    SELECT FROM record r WHERE r.record_id = w.record_id AND r.version <= w.version
        AND r.current AND NOT r.suppressed)
""")
_OLD_FAULTS = Statement("""
DELETE FROM batch_fault f USING batch b
WHERE b.member_id = f.member_id AND b.batch_id = f.batch_id AND b.received_at < %(faults)s
""")
# The newest list stays as long as its file is the newest: completeness is measured by it.
_OLD_ABSENT = Statement("""
DELETE FROM batch_absent a USING batch b
WHERE b.member_id = a.member_id AND b.batch_id = a.batch_id AND b.received_at < %(faults)s
    AND b.sequence < (
        SELECT max(f.sequence) FROM batch f
        WHERE f.member_id = a.member_id AND f.state = 'DONE' AND f.kind = 'FULL')
""")

_LEFTOVERS = (_OLD_DISPUTES, _IDLE_STATEMENTS, _IDLE_WITHHELD, _OLD_FAULTS, _OLD_ABSENT)

_ADD_TOMBSTONES = Statement("""
INSERT INTO tombstone (record_id, member_id, account_mac, reason, day)
SELECT * FROM unnest(%(record_ids)s::uuid[], %(members)s::text[], %(macs)s::bytea[],
    %(reasons)s::text[], %(days)s::date[])
""")
_FRAUD_MACS = Statement("""
SELECT account_mac FROM tombstone WHERE member_id = %(member)s AND reason = 'DELETE_FRAUD'
""")
_ADD_RUN = Statement("""
INSERT INTO purge_run (run_id, ran_on, ran_at, records, versions, leaf_hash, certificate)
VALUES (%(run_id)s, %(ran_on)s, %(ran_at)s, %(records)s, %(versions)s, %(leaf_hash)s,
    %(certificate)s)
""")
_RUNS = Statement("""
SELECT run_id, ran_on, ran_at, records, versions, leaf_hash, certificate FROM purge_run
WHERE %(ran_on)s::date IS NULL OR ran_on = %(ran_on)s::date ORDER BY run_id DESC LIMIT %(rows)s
""")


class Retention:
    """Statements about retention, bound to one open transaction."""

    def __init__(self, connection: Connection[TupleRow]) -> None:
        self._connection = connection

    def begin_purge(self) -> bool:
        """Let one purge run at a time, until the end of the transaction; say whether it may."""
        return _BEGIN.run(self._connection, {}).fetchone() == (True,)

    def due(self, today: date, rows: int) -> list[DueRecord]:
        """Find records past their last day, deleted or withdrawn, oldest first."""
        found = _DUE.run(self._connection, {"today": today, "rows": rows}, prepare=False)
        return [DueRecord(*row) for row in found]

    def hold(self, due: Sequence[DueRecord]) -> list[DueRecord]:
        """Hold what belongs to due records; leave out what others are at, or have moved on."""
        ids = {"ids": [one.record_id for one in due]}
        versions: dict[UUID, int] = {}
        busy: set[UUID] = set()
        for name in _BELONGING:
            seen = Counter(row[0] for row in _LOOK[name].run(self._connection, ids, prepare=False))
            rows = _HOLD[name].run(self._connection, ids, prepare=False).fetchall()
            held = Counter(row[0] for row in rows)
            busy |= {one for one in seen | held if seen[one] != held[one]}
            if name == "account":
                versions = dict(rows)
        return [
            one
            for one in due
            if one.record_id not in busy and versions.get(one.record_id, one.version) == one.version
        ]

    def remove(self, record_ids: Sequence[UUID]) -> tuple[list[GoneVersion], list[GoneAccount]]:
        """Remove records: versions, keys, accounts wherever they are listed, statements, marks."""
        ids = {"ids": list(record_ids)}
        versions = {GoneVersion(*row) for row in _REMOVE.run(self._connection, ids, prepare=False)}
        accounts = [
            GoneAccount(*row) for row in _REMOVE_ACCOUNTS.run(self._connection, ids, prepare=False)
        ]
        named = {
            "members": [one.member for one in accounts],
            "refs": [one.account_ref for one in accounts],
        }
        _REMOVE_ABSENT.run(self._connection, named, prepare=False)
        _REMOVE_STATEMENTS.run(self._connection, ids, prepare=False)
        _REMOVE_MARKS.run(self._connection, ids, prepare=False)
        _REMOVE_WITHHELD.run(self._connection, ids, prepare=False)
        return sorted(versions), accounts

    def remove_disputes(self, record_ids: Sequence[UUID]) -> None:
        """Remove the disputes about these records, and their keys."""
        _REMOVE_DISPUTES.run(self._connection, {"ids": list(record_ids)}, prepare=False)

    def remove_leftovers(self, bounds: Bounds) -> list[GoneVersion]:
        """Remove what only stood beside records that are gone, and versions long replaced."""
        values = bounds._asdict()
        old = {GoneVersion(*row) for row in _OLD_VERSIONS.run(self._connection, values)}
        for statement in _LEFTOVERS:
            statement.run(self._connection, values)
        return sorted(old)

    def add_tombstones(self, tombstones: Sequence[Tombstone]) -> None:
        """Store what stays of deleted records."""
        parameters = {
            "record_ids": [one.record_id for one in tombstones],
            "members": [one.member for one in tombstones],
            "macs": [one.account_mac for one in tombstones],
            "reasons": [one.reason for one in tombstones],
            "days": [one.day for one in tombstones],
        }
        _ADD_TOMBSTONES.run(self._connection, parameters, prepare=False)

    def fraud_macs(self, member: str) -> set[bytes]:
        """List the accounts of a member that were deleted for fraud and are purged."""
        return {row[0] for row in _FRAUD_MACS.run(self._connection, {"member": member})}

    def add_run(self, run: PurgeRun) -> None:
        """Store a run and its certificate."""
        _ADD_RUN.run(self._connection, run._asdict())

    def runs(self, ran_on: date | None, rows: int) -> list[PurgeRun]:
        """List runs, the newest first; those of one day where it is given."""
        found = _RUNS.run(self._connection, {"ran_on": ran_on, "rows": rows}, prepare=False)
        return [PurgeRun(*row) for row in found]
