"""Statements about how months of loans were judged, of the whole log at once."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import Connection
from psycopg.rows import TupleRow

from exchange.services.audit.ports import JudgedMonth
from exchange.store.statement import Statement

_KEEP_MONTH = Statement("""
INSERT INTO lend_first_month AS m (log_id, member_id, month, in_time, stale, late, never,
    unwitnessed, size, judged_at)
VALUES (%(log_id)s, %(member)s, %(month)s, %(in_time)s, %(stale)s, %(late)s, %(never)s,
    %(unwitnessed)s, %(size)s, %(judged_at)s)
ON CONFLICT (log_id, member_id, month) DO UPDATE SET in_time = excluded.in_time,
    stale = excluded.stale, late = excluded.late, never = excluded.never,
    unwitnessed = excluded.unwitnessed, size = excluded.size, judged_at = excluded.judged_at
WHERE m.size <= excluded.size
""")
# A month whose loans were erased is gone from a later judgement.
_FORGET_MONTHS = Statement("""
DELETE FROM lend_first_month WHERE log_id = %(log_id)s AND size < %(size)s
""")
_MONTHS = Statement("""
SELECT member_id, month, in_time, stale, late, never, unwitnessed, size, judged_at
FROM lend_first_month WHERE log_id = %(log_id)s ORDER BY member_id, month
""")


class Months:
    """Statements about judged months, bound to one open transaction."""

    def __init__(self, connection: Connection[TupleRow]) -> None:
        self._connection = connection

    def keep(self, log_id: int, months: Sequence[JudgedMonth], *, size: int) -> None:
        """Keep how months were judged, unless a longer log was judged already."""
        for one in months:
            _KEEP_MONTH.run(self._connection, {**one._asdict(), "log_id": log_id})
        _FORGET_MONTHS.run(self._connection, {"log_id": log_id, "size": size})

    def all(self, log_id: int) -> list[JudgedMonth]:
        """List how months were judged last, by member and month."""
        return [JudgedMonth(*row) for row in _MONTHS.run(self._connection, {"log_id": log_id})]
