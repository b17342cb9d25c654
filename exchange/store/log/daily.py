"""Statements about what the log says once a day."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import Connection
from psycopg.rows import TupleRow

from exchange.domain.log.index import IndexPart, SubjectLine
from exchange.services.log.daily_ports import KeptIndex, KeptLines, Usage
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

# The newest one before stays: until the new one's leaf has its index, nothing else can be shown.
_FORGET_INDEX = Statement("""
DELETE FROM index_part WHERE log_id = %(log_id)s
    AND day < (SELECT max(day) FROM index_part WHERE log_id = %(log_id)s)
""")

_KEEP_INDEX = Statement("""
INSERT INTO index_part (log_id, day, n, first_subject, lines, root)
SELECT %(log_id)s, %(day)s, p.n - 1, p.first_subject, p.lines, p.root
FROM unnest(%(firsts)s::text[], %(lines)s::bytea[], %(roots)s::bytea[])
    WITH ORDINALITY AS p(first_subject, lines, root, n)
ON CONFLICT DO NOTHING
""")

_NEWEST_INDEX = Statement("""
SELECT d.day, d.leaf_hash, p.leaf_index
FROM log_day d JOIN leaf f USING (leaf_hash) JOIN leaf_place p USING (ord)
WHERE d.kind = 'index_root' AND d.member_id = '' AND p.log_id = %(log_id)s
    AND p.leaf_index < %(size)s
    AND EXISTS (SELECT 1 FROM index_part i WHERE i.log_id = p.log_id AND i.day = d.day)
ORDER BY d.day DESC LIMIT 1
""")

# Compared byte by byte, as the lines were sorted; not as the database's language sorts.
_INDEX_LINES = Statement("""
SELECT n, lines FROM index_part
WHERE log_id = %(log_id)s AND day = %(day)s AND first_subject COLLATE "C" <= %(subject)s
ORDER BY n DESC LIMIT 1
""")

_INDEX_ROOTS = Statement("""
SELECT root FROM index_part WHERE log_id = %(log_id)s AND day = %(day)s ORDER BY n
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

    def keep_index(self, log_id: int, day: str, parts: Sequence[IndexPart]) -> None:
        """Keep the lines of a day's index in the place of all but the newest one before it."""
        _FORGET_INDEX.run(self._connection, {"log_id": log_id})
        given = {
            "log_id": log_id,
            "day": day,
            "firsts": [part.first for part in parts],
            "lines": [part.lines for part in parts],
            "roots": [part.root for part in parts],
        }
        _KEEP_INDEX.run(self._connection, given)

    def newest_index(self, log_id: int, *, size: int) -> KeptIndex | None:
        """Find the newest index whose leaf stands in a tree of this size."""
        asked = {"log_id": log_id, "size": size}
        row = _NEWEST_INDEX.run(self._connection, asked).fetchone()
        return KeptIndex(*row) if row else None

    def index_lines(self, log_id: int, day: str, subject: str) -> KeptLines | None:
        """Fetch the part of an index that a subject's line would stand in."""
        asked = {"log_id": log_id, "day": day, "subject": subject}
        row = _INDEX_LINES.run(self._connection, asked).fetchone()
        return KeptLines(*row) if row else None

    def index_roots(self, log_id: int, day: str) -> list[bytes]:
        """List the roots of the parts of an index, in order."""
        asked = {"log_id": log_id, "day": day}
        return [row[0] for row in _INDEX_ROOTS.run(self._connection, asked)]

    def claim(self, kind: str, day: str, member: str) -> bool:
        """Claim a day's leaf; say whether nobody wrote it before."""
        given = {"kind": kind, "day": day, "member": member}
        return _CLAIM.run(self._connection, given).rowcount == 1

    def written(self, kind: str, day: str, member: str, leaf_hash: bytes) -> None:
        """Say which leaf it became."""
        _WRITTEN.run(
            self._connection, {"kind": kind, "day": day, "member": member, "leaf_hash": leaf_hash}
        )
