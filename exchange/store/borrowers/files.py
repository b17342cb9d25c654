"""Statements by which a borrower sees the own file: entries of the log, grants, records."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from exchange.services.borrower.statements import (
    EntriesAsk,
    Opened,
    OwnCount,
    OwnEntry,
    OwnGrant,
)
from exchange.services.records.ports import SealedRecord
from exchange.store.statement import Statement

_OPENED = """
opened AS (
    SELECT * FROM unnest(
        %(indices)s::bytea[], %(subjects)s::text[], %(members)s::text[]
    ) AS o(token_index, subject, member)
)"""
# Entries that no member made are the subject's own, whoever vouched.
_ENTRY_IS_OPEN = """
EXISTS (SELECT 1 FROM opened o WHERE o.subject = s.subject
    AND (o.member IS NULL OR s.member_id IN ('', o.member)))"""

_ENTRY = f"""
WITH {_OPENED}
SELECT s.leaf_hash, s.kind, s.member_id, g.origin, p.leaf_index, e.key_id, e.subject, e.audit,
    k.kek_id, k.wrapped
FROM log_search s JOIN leaf f USING (leaf_hash) JOIN log g USING (log_id)
    JOIN opening e USING (leaf_hash) JOIN opening_key k USING (key_id)
    LEFT JOIN leaf_place p USING (ord)
WHERE s.subject = ANY(%(subjects)s::text[]) AND s.subject <> '' AND {_ENTRY_IS_OPEN}
"""  # noqa: S608 - composed of constants alone

_ENTRIES = Statement(f"""
{_ENTRY}
    AND (%(log_id)s::int IS NULL OR f.log_id = %(log_id)s)
    AND (%(before)s::bytea IS NULL
        OR f.ord < (SELECT l.ord FROM leaf l WHERE l.leaf_hash = %(before)s::bytea))
ORDER BY f.ord DESC LIMIT %(rows_max)s
""")  # noqa: S608 - the same

_FIND_ENTRY = Statement(f"{_ENTRY} AND s.leaf_hash = %(leaf_hash)s")

_COUNTS = Statement(f"""
WITH {_OPENED}
SELECT c.subject, c.last_seq, n.present, n.opened, c.erased
FROM subject_counter c CROSS JOIN LATERAL (
    SELECT count(*) AS present, count(*) FILTER (WHERE {_ENTRY_IS_OPEN}) AS opened
    FROM log_search s JOIN leaf f USING (leaf_hash)
    WHERE s.subject = c.subject AND s.subject <> '' AND f.log_id = c.log_id
) n
WHERE c.log_id = %(log_id)s AND c.subject = ANY(%(subjects)s::text[])
ORDER BY c.subject
""")  # noqa: S608 - the same

# Those that an index of this size must have counted.
_COUNT_BELOW = Statement("""
SELECT count(*)
FROM log_search s JOIN leaf f USING (leaf_hash) JOIN leaf_place p USING (ord)
WHERE s.subject = %(subject)s AND s.subject <> '' AND p.log_id = %(log_id)s
    AND p.leaf_index < %(size)s
""")

_GRANTS = Statement(f"""
WITH {_OPENED}
SELECT DISTINCT g.grantee, g.grant_id
FROM opened o JOIN grants g ON g.token_index = o.token_index
    AND (o.member IS NULL OR g.grantee = o.member)
ORDER BY g.grant_id DESC LIMIT %(rows_max)s
""")  # noqa: S608 - the same

_FIND_GRANT = Statement(f"""
WITH {_OPENED}
SELECT g.grantee, g.grant_id
FROM opened o JOIN grants g ON g.token_index = o.token_index
    AND (o.member IS NULL OR g.grantee = o.member)
WHERE g.grant_id = %(grant_id)s LIMIT 1
""")  # noqa: S608 - the same

_RECORDS = Statement(f"""
WITH {_OPENED}
SELECT DISTINCT ON (r.record_id) r.record_id, r.member_id, r.version, r.epoch, r.disputed,
    r.suppressed OR EXISTS (SELECT 1 FROM withheld w
        WHERE w.record_id = r.record_id AND r.version <= w.version),
    r.kek_id, r.wrapped, r.sealed, false
FROM opened o JOIN record r ON r.token_index = o.token_index AND r.current
    AND (o.member IS NULL OR r.member_id = o.member)
ORDER BY r.record_id DESC LIMIT %(rows_max)s
""")  # noqa: S608 - the same


class Files:
    """Statements about borrowers' own files, bound to one open transaction."""

    def __init__(self, connection: Connection[TupleRow]) -> None:
        self._connection = connection

    def entries(self, opened: Sequence[Opened], wanted: EntriesAsk) -> list[OwnEntry]:
        """List entries, newest first."""
        asked = {**_opened(opened), **wanted._asdict()}
        return [OwnEntry(*row) for row in _ENTRIES.run(self._connection, asked)]

    def counts(self, opened: Sequence[Opened], *, log_id: int) -> list[OwnCount]:
        """Count the entries of a log, subject by subject."""
        asked = {**_opened(opened), "log_id": log_id}
        return [OwnCount(*row) for row in _COUNTS.run(self._connection, asked)]

    def find_entry(self, opened: Sequence[Opened], leaf_hash: bytes) -> OwnEntry | None:
        """Find an entry that the key opens."""
        asked = {**_opened(opened), "leaf_hash": leaf_hash}
        row = _FIND_ENTRY.run(self._connection, asked).fetchone()
        return OwnEntry(*row) if row else None

    def count_below(self, subject: str, *, log_id: int, size: int) -> int:
        """Count the entries about a subject in a tree of this size."""
        asked = {"subject": subject, "log_id": log_id, "size": size}
        row = _COUNT_BELOW.run(self._connection, asked).fetchone()
        return 0 if row is None else int(row[0])

    def grants(self, opened: Sequence[Opened], *, rows_max: int) -> list[OwnGrant]:
        """List grants, newest first."""
        asked = {**_opened(opened), "rows_max": rows_max}
        return [OwnGrant(*row) for row in _GRANTS.run(self._connection, asked)]

    def find_grant(self, opened: Sequence[Opened], grant_id: UUID) -> OwnGrant | None:
        """Find a grant that the key reaches."""
        row = _FIND_GRANT.run(
            self._connection, {**_opened(opened), "grant_id": grant_id}
        ).fetchone()
        return OwnGrant(*row) if row else None

    def records(self, opened: Sequence[Opened], *, rows_max: int) -> list[SealedRecord]:
        """List what members report now."""
        asked = {**_opened(opened), "rows_max": rows_max}
        return [SealedRecord(*row) for row in _RECORDS.run(self._connection, asked)]


def _opened(opened: Sequence[Opened]) -> dict[str, object]:
    return {
        "indices": [one.token_index for one in opened],
        "subjects": [one.subject for one in opened],
        "members": [one.member for one in opened],
    }
