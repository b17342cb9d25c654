"""Statements about what the log says once a day."""

from __future__ import annotations

from psycopg import Connection
from psycopg.rows import TupleRow

from exchange.services.log.ports import SubjectLine, Usage
from exchange.store.statement import Statement

# Counted by the time of leaves, so that whoever holds the log can count the same.
_USAGE = Statement("""
SELECT m.member_id,
    coalesce((SELECT sum(q.used) FROM quota q WHERE q.member_id = m.member_id
        AND q.what = 'evaluations' AND q.period >= %(first)s AND q.period < %(end)s), 0)::bigint,
    (SELECT count(*) FROM log_search s WHERE s.member_id = m.member_id AND s.kind = 'query'
        AND s.t >= %(first)s AND s.t < %(end)s),
    coalesce((SELECT sum(b.rows) FROM log_search s JOIN batch b USING (leaf_hash)
        WHERE s.member_id = m.member_id AND s.kind = 'batch'
        AND s.t >= %(first)s AND s.t < %(end)s), 0)::bigint,
    coalesce((SELECT sum(q.used) FROM quota q WHERE q.member_id = m.member_id
        AND q.what = 'proofs' AND q.period >= %(first)s AND q.period < %(end)s), 0)::bigint
FROM member m ORDER BY m.member_id
""")

_SUBJECT_LINES = Statement("""
SELECT s.subject, count(*), max(p.leaf_index)
FROM log_search s JOIN leaf f USING (leaf_hash) JOIN leaf_place p USING (ord)
WHERE p.log_id = %(log_id)s AND p.leaf_index < %(size)s AND s.subject <> ''
GROUP BY s.subject
""")

_CLAIM = Statement("""
INSERT INTO log_day (kind, day, member_id, leaf_hash)
VALUES (%(kind)s, %(day)s, %(member)s, '') ON CONFLICT DO NOTHING
""")

_WRITTEN = Statement("""
UPDATE log_day SET leaf_hash = %(leaf_hash)s
WHERE kind = %(kind)s AND day = %(day)s AND member_id = %(member)s
""")


class Daily:
    """Statements about daily leaves, bound to one open transaction."""

    def __init__(self, connection: Connection[TupleRow]) -> None:
        self._connection = connection

    def usage(self, first: int, end: int) -> list[Usage]:
        """Count what each member did between two times."""
        return [Usage(*row) for row in _USAGE.run(self._connection, {"first": first, "end": end})]

    def subject_lines(self, log_id: int, *, size: int) -> list[SubjectLine]:
        """Count the leaves about each subject in a tree of this size."""
        asked = {"log_id": log_id, "size": size}
        return [SubjectLine(*row) for row in _SUBJECT_LINES.run(self._connection, asked)]

    def claim(self, kind: str, day: str, member: str) -> bool:
        """Claim a day's leaf; say whether nobody wrote it before."""
        given = {"kind": kind, "day": day, "member": member}
        return _CLAIM.run(self._connection, given).rowcount == 1

    def written(self, kind: str, day: str, member: str, leaf_hash: bytes) -> None:
        """Say which leaf it became."""
        _WRITTEN.run(
            self._connection, {"kind": kind, "day": day, "member": member, "leaf_hash": leaf_hash}
        )
