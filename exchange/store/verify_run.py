"""What `exchange verify-run` reads: one snapshot, read only, by a connection of its own.

The claims that SQL can check alone stand here with their statements: each yields the rows of
which the claim is not so.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import psycopg
from psycopg import Connection, IsolationLevel, OperationalError
from psycopg.rows import TupleRow

from exchange.errors import UnavailableError
from exchange.services.log.ports import LeafEntry, LogRef, LogState
from exchange.services.ports import MMD_SECONDS
from exchange.services.verify_run.ports import (
    RowClaim,
    ShownAfterEnd,
    StoredCheckpoint,
    StoredGrant,
    StoredLook,
    StoredRecord,
    StoredReply,
)
from exchange.store.log.tree import Tree
from exchange.store.statement import Statement

ROWS_SHOWN_MAX = 100  # of one claim
ROWS_AT_ONCE = 5_000
WAIT_SECONDS_MAX = 30  # idle in a transaction, or waiting for a lock

_CLAIMS: tuple[tuple[str, str, str], ...] = (
    (
        "I6",
        "every answer has its leaf",
        """SELECT member_id || '/' || query_id FROM query q
        WHERE NOT EXISTS (SELECT 1 FROM leaf l WHERE l.leaf_hash = q.leaf_hash)""",
    ),
    (
        "I3",
        "every leaf of a look belongs to exactly one answer",
        """SELECT 'leaf ' || encode(s.leaf_hash, 'hex') FROM log_search s
        LEFT JOIN query q USING (leaf_hash) WHERE s.kind = 'query'
        GROUP BY s.leaf_hash HAVING count(q.query_id) <> 1""",
    ),
    (
        "I3",
        "no two batches share a leaf",
        """SELECT 'leaf ' || encode(leaf_hash, 'hex') FROM batch WHERE leaf_hash IS NOT NULL
        GROUP BY leaf_hash HAVING count(*) > 1""",
    ),
    (
        "I6",
        "every leaf has its search row, and the reverse",
        """SELECT 'leaf ' || encode(leaf_hash, 'hex') FROM leaf l
        FULL JOIN log_search s USING (leaf_hash)
        WHERE l.leaf_hash IS NULL OR s.leaf_hash IS NULL""",
    ),
    (
        "I6",
        "every opening is of a leaf",
        """SELECT 'opening ' || encode(leaf_hash, 'hex') FROM opening o
        WHERE NOT EXISTS (SELECT 1 FROM leaf l WHERE l.leaf_hash = o.leaf_hash)""",
    ),
    (
        "I6",
        "every batch that stored something has its leaf",
        """SELECT member_id || '/' || batch_id FROM batch b WHERE leaf_hash IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM leaf l WHERE l.leaf_hash = b.leaf_hash)""",
    ),
    (
        "I6",
        "every version of a record is of a batch that is there",
        """SELECT 'record ' || record_id || ' ' || version FROM record r WHERE batch_id IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM batch b
            WHERE b.member_id = r.member_id AND b.batch_id = r.batch_id)""",
    ),
    (
        "I2",
        "only a file that is done has stored anything",
        """SELECT member_id || '/' || batch_id FROM batch b WHERE b.state <> 'DONE'
        AND (leaf_hash IS NOT NULL OR EXISTS (SELECT FROM record r WHERE r.batch_id = b.batch_id))
        OR b.state = 'DONE' AND (leaf_hash IS NULL OR receipt = '')""",
    ),
    (
        "I6",
        "a file has its job, and what was sent of it, exactly while it is under way",
        """SELECT coalesce(b.member_id || '/' || b.batch_id, p.member_id || '/' || p.batch_id)
        FROM (SELECT * FROM batch
            WHERE state IN ('RECEIVING', 'QUEUED', 'CHECKING', 'MERGING')) b
        FULL JOIN batch_job j ON j.member_id = b.member_id AND j.batch_id = b.batch_id
        FULL JOIN (SELECT DISTINCT member_id, batch_id FROM batch_part) p
            ON p.member_id = j.member_id AND p.batch_id = j.batch_id
        WHERE b.batch_id IS NULL OR j.batch_id IS NULL""",
    ),
    (
        "I6",
        "a record's versions have no gap, and at most one is current",
        """SELECT 'record ' || record_id FROM record GROUP BY token_index, record_id
        HAVING count(*) <> max(version) - min(version) + 1 OR count(*) FILTER (WHERE current) > 1
        """,
    ),
    (
        "I6",
        "every account names a version that is there",
        """SELECT a.member_id || ' account of record ' || a.record_id FROM account a
        WHERE NOT EXISTS (SELECT 1 FROM record r WHERE r.token_index = a.token_index
            AND r.record_id = a.record_id AND r.version = a.version)""",
    ),
    (
        "I6",
        "every inquiry is of an answer",
        """SELECT i.member_id || '/' || i.query_id FROM inquiry i
        WHERE NOT EXISTS (SELECT 1 FROM query q
            WHERE q.member_id = i.member_id AND q.query_id = i.query_id)""",
    ),
    (
        "I6",
        "every artefact has its grant, its leaf and its first event",
        """SELECT a.grantee || '/' || a.grant_id FROM grant_artefact a
        WHERE NOT EXISTS (SELECT 1 FROM leaf l WHERE l.leaf_hash = a.leaf_hash)
        OR NOT EXISTS (SELECT 1 FROM grants g
            WHERE g.grantee = a.grantee AND g.grant_id = a.grant_id)
        OR NOT EXISTS (SELECT 1 FROM grant_event e
            WHERE e.grantee = a.grantee AND e.grant_id = a.grant_id)""",
    ),
    (
        "I6",
        "every event of a grant has its leaf",
        """SELECT e.grantee || '/' || e.grant_id FROM grant_event e
        WHERE NOT EXISTS (SELECT 1 FROM leaf l WHERE l.leaf_hash = e.leaf_hash)""",
    ),
    (
        "I6",
        "every report has its leaf, and the reverse",
        """SELECT 'report ' || month FROM report LEFT JOIN leaf USING (leaf_hash)
        WHERE ord IS NULL UNION ALL SELECT 'leaf ' || encode(leaf_hash, 'hex') FROM log_search
        LEFT JOIN report USING (leaf_hash) WHERE kind = 'report' AND month IS NULL""",
    ),
    (
        "I7",
        "a subject's counter is the number of its leaves",
        """SELECT 'subject ' || coalesce(c.subject, s.subject) FROM subject_counter c
        FULL JOIN (SELECT l.log_id, s.subject, count(*) AS leaves
            FROM log_search s JOIN leaf l USING (leaf_hash) WHERE s.subject <> ''
            GROUP BY l.log_id, s.subject) s USING (log_id, subject)
        WHERE c.last_seq IS DISTINCT FROM s.leaves""",
    ),
    (
        "I5",
        "every leaf was signed in time",
        """SELECT 'leaf ' || encode(l.leaf_hash, 'hex')
        FROM leaf l LEFT JOIN leaf_place p USING (ord) LEFT JOIN LATERAL (
            SELECT signed_at FROM checkpoint c
            WHERE c.log_id = l.log_id AND c.size > p.leaf_index ORDER BY c.size LIMIT 1) c ON true
        WHERE coalesce(c.signed_at, %(now)s) - l.created_at > %(mmd)s""",
    ),
    (
        "I11",
        "no session idles in a transaction",
        """SELECT 'process ' || pid FROM pg_stat_activity
        WHERE datname = current_database() AND state LIKE 'idle in transaction%%'
        AND extract(epoch FROM clock_timestamp() - state_change) > %(wait)s""",
    ),
    (
        "I11",
        "no session waits for a lock",
        """SELECT 'process ' || pid FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'
        AND extract(epoch FROM clock_timestamp() - query_start) > %(wait)s""",
    ),
)

_LOGS = "SELECT log_id, origin FROM log ORDER BY log_id"
_CHECKPOINTS = Statement(
    "SELECT size, root, note FROM checkpoint WHERE log_id = %(log_id)s ORDER BY size"
)
_LEAVES = """SELECT l.leaf_hash, l.entry FROM leaf_place p JOIN leaf l USING (ord)
    WHERE p.log_id = %s ORDER BY p.leaf_index"""
_LOOKS = """SELECT q.member_id, q.query_id, q.digest, q.leaf_hash, g.origin, l.entry, o.key_id,
    o.subject, o.audit, k.kek_id, k.wrapped
    FROM query q JOIN leaf l USING (leaf_hash) JOIN log g USING (log_id)
    JOIN opening o USING (leaf_hash) JOIN opening_key k ON k.key_id = o.key_id"""
_GRANTS = "SELECT grantee, grant_id, uses FROM grants"
_SHOWN_AFTER_END = """SELECT r.record_id, ended.artefact
    FROM (SELECT DISTINCT a.grantee, coalesce(a.chain_id, a.grant_id) AS chain_id, a.artefact
        FROM grant_event e JOIN grant_artefact a USING (grantee, grant_id)
        WHERE e.event IN ('withdraw', 'revoke', 'invalidate')) ended
    JOIN grant_artefact a
        ON a.grantee = ended.grantee AND coalesce(a.chain_id, a.grant_id) = ended.chain_id
    JOIN record r ON r.member_id = a.grantee AND r.grant_id = a.grant_id
    WHERE r.current AND NOT r.suppressed AND NOT EXISTS (SELECT 1 FROM withheld w
        WHERE w.record_id = r.record_id AND r.version <= w.version)"""
_RECORDS = """SELECT record_id, version, member_id, epoch, kek_id, wrapped, sealed
    FROM record ORDER BY random() LIMIT %s"""
_FIND_QUERY = Statement("""
SELECT q.digest, q.leaf_hash, p.leaf_index, l.created_at, 0
FROM query q LEFT JOIN leaf l USING (leaf_hash) LEFT JOIN leaf_place p USING (ord)
WHERE q.member_id = %(member)s AND q.query_id = %(id)s
""")
_FIND_BATCH = Statement("""
SELECT b.digest, b.leaf_hash, p.leaf_index, l.created_at,
    (SELECT count(DISTINCT (record_id, version))::int FROM record r
     WHERE r.member_id = b.member_id AND r.batch_id = b.batch_id)
FROM batch b LEFT JOIN leaf l USING (leaf_hash) LEFT JOIN leaf_place p USING (ord)
WHERE b.member_id = %(member)s AND b.batch_id = %(id)s
""")


class Run:
    """One snapshot of the database."""

    def __init__(self, connection: Connection[TupleRow]) -> None:
        self._connection = connection
        self._tree = Tree(connection)

    def row_claims(self, now: int) -> Iterator[RowClaim]:
        """Check what SQL alone can check."""
        bound = {"now": now, "mmd": MMD_SECONDS, "wait": WAIT_SECONDS_MAX}
        for invariant, claim, text in _CLAIMS:
            cursor = self._connection.execute(text.encode(), bound if "%(" in text else None)
            rows = cursor.fetchmany(ROWS_SHOWN_MAX)
            yield RowClaim(invariant, claim, tuple(str(row[0]) for row in rows))

    def logs(self) -> list[LogRef]:
        """List all logs, closed ones included."""
        return [LogRef(*row) for row in self._connection.execute(_LOGS)]

    def state(self, log_id: int) -> LogState:
        """Fetch a log's state."""
        return self._tree.state(log_id)

    def checkpoints(self, log_id: int) -> list[StoredCheckpoint]:
        """Fetch every checkpoint of a log, smallest first."""
        rows = _CHECKPOINTS.run(self._connection, {"log_id": log_id})
        return [StoredCheckpoint(*row) for row in rows]

    def leaves(self, log_id: int) -> Iterator[list[LeafEntry]]:
        """Fetch the leaves that have an index, in its order, by the thousand."""
        with self._connection.cursor("leaves") as cursor:
            cursor.execute(_LEAVES, (log_id,))
            while rows := cursor.fetchmany(ROWS_AT_ONCE):
                yield [LeafEntry(*row) for row in rows]

    def looks(self) -> Iterator[StoredLook]:
        """Fetch every answer whose leaf can still be opened."""
        for row in self._stream("looks", _LOOKS):
            yield StoredLook(*row)

    def grants(self) -> Iterator[StoredGrant]:
        """Fetch every grant."""
        for row in self._stream("grants", _GRANTS):
            yield StoredGrant(*row)

    def shown_after_end(self) -> Iterator[ShownAfterEnd]:
        """Fetch records in answers of whose chain of grants the last was ended."""
        for row in self._stream("shown_after_end", _SHOWN_AFTER_END):
            yield ShownAfterEnd(*row)

    def some_records(self, rows_max: int) -> Iterator[StoredRecord]:
        """Fetch records at random."""
        for row in self._connection.execute(_RECORDS, (rows_max,)):
            yield StoredRecord(*row)

    def find_query(self, member: str, query_id: UUID) -> StoredReply | None:
        """Find what is stored under a query id."""
        return self._find(_FIND_QUERY, member, query_id)

    def find_batch(self, member: str, batch_id: UUID) -> StoredReply | None:
        """Find what is stored under a batch id."""
        return self._find(_FIND_BATCH, member, batch_id)

    def _find(self, statement: Statement, member: str, its_id: UUID) -> StoredReply | None:
        row = statement.run(self._connection, {"member": member, "id": its_id}).fetchone()
        return None if row is None else StoredReply(*row)

    def _stream(self, name: str, text: str) -> Iterator[TupleRow]:
        with self._connection.cursor(name) as cursor:
            cursor.itersize = ROWS_AT_ONCE
            yield from cursor.execute(text.encode())


@contextmanager
def snapshot(url: str) -> Iterator[Run]:
    """Open one snapshot of the database, read only.

    Raises:
        UnavailableError: the database does not answer.
    """
    try:
        with psycopg.connect(url, options="-c timezone=UTC") as connection:
            connection.isolation_level = IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            yield Run(connection)
    except OperationalError as error:
        raise UnavailableError("the database is not available") from error
