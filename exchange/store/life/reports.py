"""Statements about the consortium's reports: all open accounts in one snapshot, what was made."""

from __future__ import annotations

from collections.abc import Generator

from psycopg import Connection, RawServerCursor
from psycopg.rows import TupleRow

from exchange.services.reports.ports import ReportedAccount, SealedVersion, StoredReport
from exchange.store.statement import Statement

_ROWS = 500  # fetched at a time: some 300 kB

_PATIENCE = Statement("SET LOCAL statement_timeout = '10min'")  # of one fetch, on a busy server
_SNAPSHOT = Statement("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")

# Along the index of current records, so that nothing is sorted and one subject's rows stand
# together; OFFSET 0 keeps each join a probe. A record stands under each of its identity tokens, and
# counts under the account's own. Its payload is the same under each, so an older version is found
# whatever token it stood under.
_ACCOUNTS = Statement("""
SELECT r.token_index, r.record_id, r.member_id,
    r.version, r.epoch, r.submitted_at, r.kek_id, r.wrapped, r.sealed,
    v.version, v.epoch, v.submitted_at, v.kek_id, v.wrapped, v.sealed
FROM record r
CROSS JOIN LATERAL (
    SELECT FROM account
    WHERE record_id = r.record_id AND token_index = r.token_index AND version = r.version OFFSET 0
) AS a
LEFT JOIN LATERAL (
    SELECT version, epoch, submitted_at, kek_id, wrapped, sealed FROM record
    WHERE record_id = r.record_id AND submitted_at <= %(before)s
    ORDER BY version DESC LIMIT 1
) AS v ON true
WHERE r.current AND NOT r.suppressed AND (r.open OR r.submitted_at > %(before)s)
    AND NOT EXISTS (SELECT 1 FROM withheld w WHERE w.record_id = r.record_id
        AND r.version <= w.version)
ORDER BY r.token_index
""")

_ADD = Statement("""
INSERT INTO report (report_id, month, snapshot_at, records, leaf_hash, whole, outward)
VALUES (%(report_id)s, %(month)s, %(snapshot_at)s, %(records)s, %(leaf_hash)s, %(whole)s,
    %(outward)s)
ON CONFLICT (month) DO NOTHING
""")
_NEWEST = Statement("""
SELECT report_id, month, snapshot_at, records, leaf_hash, whole, outward FROM report
WHERE %(month)s::int IS NULL OR month = %(month)s::int ORDER BY month DESC LIMIT 1
""")
_MONTHS = Statement("SELECT month FROM report ORDER BY month DESC")
_SNAPSHOTS = Statement("SELECT snapshot_at FROM report ORDER BY month DESC LIMIT %(rows)s")


class Reports:
    """Statements about the consortium's reports, bound to one open transaction."""

    def __init__(self, connection: Connection[TupleRow]) -> None:
        self._connection = connection

    def accounts(self, before: int) -> Generator[ReportedAccount, None, None]:
        """Yield every account that is open, or was at a moment, subject by subject."""
        for statement in (_SNAPSHOT, _PATIENCE):
            statement.run(self._connection, {}, prepare=False)
        with RawServerCursor(self._connection, "report") as cursor:
            cursor.itersize = _ROWS
            cursor.execute(_ACCOUNTS.sql, _ACCOUNTS.values({"before": before}), binary=True)
            for row in cursor:
                then = None if row[9] is None else SealedVersion(*row[9:])
                now = SealedVersion(*row[3:9])
                yield ReportedAccount(row[0], row[1], row[2], now, then)

    def add(self, report: StoredReport) -> bool:
        """Store a report; say whether its month had none."""
        return _ADD.run(self._connection, report._asdict()).rowcount == 1

    def newest(self, month: int | None) -> StoredReport | None:
        """Find the report of a month, or the newest one."""
        row = _NEWEST.run(self._connection, {"month": month}, prepare=False).fetchone()
        return StoredReport(*row) if row else None

    def months(self) -> list[int]:
        """List the months that have a report, the newest first."""
        return [row[0] for row in _MONTHS.run(self._connection, {})]

    def snapshots(self, rows: int) -> list[int]:
        """List when the newest reports were made (unix seconds), the newest first."""
        return [row[0] for row in _SNAPSHOTS.run(self._connection, {"rows": rows})]
