"""Statements about members' standing: what they contribute, how well, and what that earns."""

from __future__ import annotations

from psycopg import Connection
from psycopg.rows import TupleRow

from consent.reciprocity import Contribution, Earned, Quality
from exchange.domain.life.quality import PERIOD_DAYS, WINDOW_DAYS, Measures
from exchange.errors import IntegrityError
from exchange.services.standing.ports import Announced, ListedAccount, QualityMonth
from exchange.store.statement import Statement

_DAY_SECONDS = 86_400

_PATIENCE = Statement("SET LOCAL statement_timeout = '10min'")  # a whole book is counted

_UNMEASURED = Statement("""
SELECT m.member_id FROM member m
WHERE m.status = 'ACTIVE' AND m.roles && ARRAY['asker', 'contributor']
    AND NOT EXISTS (
        SELECT 1 FROM quality q WHERE q.member_id = m.member_id AND q.month = %(month)s)
ORDER BY m.member_id
""")

# Every row that tells an account anew makes a version: its time is that of the newest telling.
_BOOK = Statement("""
SELECT count(*) FILTER (WHERE r.open),
    count(*) FILTER (WHERE r.open AND r.submitted_at > %(now)s - %(window)s),
    count(*) FILTER (WHERE r.open AND NOT r.overdue),
    count(*) FILTER (WHERE r.submitted_at > %(now)s - %(window)s),
    count(*) FILTER (WHERE r.submitted_at > %(now)s - 2 * %(window)s
        AND r.submitted_at <= %(now)s - %(window)s),
    max(r.submitted_at)
FROM account a JOIN record r ON r.token_index = a.token_index AND r.record_id = a.record_id
    AND r.version = a.version
WHERE a.member_id = %(member)s AND NOT r.suppressed
""")

_FILES = Statement("""
SELECT coalesce(sum(rows), 0), coalesce(sum(faults), 0),
    count(*) FILTER (WHERE received_at > %(now)s - %(window)s),
    count(*) FILTER (WHERE received_at > %(now)s - 2 * %(window)s
        AND received_at <= %(now)s - %(window)s),
    max(received_at)
FROM batch
WHERE member_id = %(member)s AND state = 'DONE' AND received_at > %(now)s - %(period)s
""")

_WARNED = Statement("""
SELECT count(DISTINCT (f.batch_id, f.line)) FROM batch b
JOIN batch_fault f ON f.member_id = b.member_id AND f.batch_id = b.batch_id
WHERE b.member_id = %(member)s AND b.state = 'DONE' AND b.received_at > %(now)s - %(period)s
    AND f.severity = 'WARN'
""")

_ABSENT = Statement("""
SELECT count(*) FROM batch_absent
WHERE member_id = %(member)s AND batch_id = (
    SELECT batch_id FROM batch
    WHERE member_id = %(member)s AND state = 'DONE' AND kind = 'FULL'
    ORDER BY sequence DESC LIMIT 1)
""")

_DISPUTES = Statement("""
SELECT count(*), count(*) FILTER (WHERE result IN ('MODIFIED', 'DELETED_ERROR', 'DELETED_FRAUD'))
FROM dispute
WHERE member_id = %(member)s AND result IS NOT NULL AND answered_at > %(now)s - %(period)s
""")

_ENROLLED = Statement("SELECT enrolled_at FROM member WHERE member_id = %(member)s")

_ADD_MONTH = Statement("""
INSERT INTO quality (member_id, month, timely, valid, complete, fresh, plausible, upheld, dqi,
    quality, contribution, measured_at)
VALUES (%(member)s, %(month)s, %(timely)s, %(valid)s, %(complete)s, %(fresh)s, %(plausible)s,
    %(upheld)s, %(dqi)s, %(quality)s, %(contribution)s, %(measured_at)s)
ON CONFLICT DO NOTHING
""")
_MONTHS = Statement("""
SELECT member_id, month, timely, valid, complete, fresh, plausible, upheld, dqi, quality,
    contribution, measured_at
FROM quality WHERE %(member)s::text IS NULL OR member_id = %(member)s::text
ORDER BY month DESC, member_id LIMIT %(rows)s
""")
_ANNOUNCED = Statement("""
SELECT member_id, effective_at, earned, quality, contribution, announced_at FROM reciprocity
WHERE %(member)s::text IS NULL OR member_id = %(member)s::text
ORDER BY member_id, effective_at
""")
_ANNOUNCE = Statement("""
INSERT INTO reciprocity (member_id, effective_at, earned, quality, contribution, announced_at)
VALUES (%(member)s, %(effective_at)s, %(earned)s, %(quality)s, %(contribution)s, %(announced_at)s)
""")
_TAKE_BACK = Statement("""
DELETE FROM reciprocity WHERE member_id = %(member)s AND effective_at > %(now)s
""")


_LISTED = Statement("""
SELECT a.account_ref, r.record_id, r.version, r.epoch, r.kek_id, r.wrapped, r.sealed, (
    SELECT min(v.submitted_at) FROM record v
    WHERE v.token_index = r.token_index AND v.record_id = r.record_id AND v.overdue
        AND v.version > coalesce((
            SELECT max(w.version) FROM record w
            WHERE w.token_index = r.token_index AND w.record_id = r.record_id AND NOT w.overdue), 0)
)
FROM account a JOIN record r ON r.token_index = a.token_index AND r.record_id = a.record_id
    AND r.version = a.version
WHERE a.member_id = %(member)s AND a.account_ref > %(after)s AND r.overdue AND NOT r.suppressed
ORDER BY a.account_ref LIMIT %(rows)s
""")


class Standing:
    """Statements about members' standing, bound to one open transaction."""

    def __init__(self, connection: Connection[TupleRow]) -> None:
        self._connection = connection

    def unmeasured(self, month: int) -> list[str]:
        """List active lenders without a measure of this month."""
        return [row[0] for row in _UNMEASURED.run(self._connection, {"month": month})]

    def measure(self, member: str, now: int) -> Measures:
        """Count what a member did in the last 90 days."""
        _PATIENCE.run(self._connection, {}, prepare=False)
        bounds = {
            "member": member,
            "now": now,
            "window": WINDOW_DAYS * _DAY_SECONDS,
            "period": PERIOD_DAYS * _DAY_SECONDS,
        }
        book, files = self._row(_BOOK, bounds), self._row(_FILES, bounds)
        age_days = (now - self._row(_ENROLLED, bounds)[0]) // _DAY_SECONDS
        due = min(2, age_days // WINDOW_DAYS)
        told = [bool(book[n] or files[n - 1]) for n in (3, 4)][:due]
        last = max((one for one in (book[5], files[4]) if one is not None), default=None)
        ended, lost = self._row(_DISPUTES, bounds)
        return Measures(
            age_days=age_days,
            deliveries_due=due,
            deliveries=sum(told),
            rows=int(files[0]),
            rejected=int(files[1]),
            warned=self._row(_WARNED, bounds)[0],
            open_records=book[0],
            fresh_records=book[1],
            clean_records=book[2],
            absent=self._row(_ABSENT, bounds)[0],
            disputes_ended=ended,
            disputes_lost=lost,
            reported_days_ago=None if last is None else (now - last) // _DAY_SECONDS,
        )

    def add_month(self, measured: QualityMonth) -> bool:
        """Store a month's measure; say whether there was none yet."""
        return _ADD_MONTH.run(self._connection, measured._asdict()).rowcount == 1

    def months(self, member: str | None, rows: int) -> list[QualityMonth]:
        """List measures, of one member or of all, the newest first."""
        found = _MONTHS.run(self._connection, {"member": member, "rows": rows}, prepare=False)
        return [
            QualityMonth._make((*row[:9], Quality(row[9]), Contribution(row[10]), row[11]))
            for row in found
        ]

    def announced(self, member: str | None) -> list[Announced]:
        """List what was announced, of one member or of all, in the order in which it holds."""
        found = _ANNOUNCED.run(self._connection, {"member": member}, prepare=False)
        return [
            Announced(row[0], row[1], Earned(row[2]), Quality(row[3]), Contribution(row[4]), row[5])
            for row in found
        ]

    def announce(self, change: Announced) -> None:
        """Store a change to come, in place of one that was still to come."""
        self.take_back(change.member, change.announced_at)
        _ANNOUNCE.run(self._connection, change._asdict())

    def take_back(self, member: str, now: int) -> None:
        """Remove a change that was still to come."""
        _TAKE_BACK.run(self._connection, {"member": member, "now": now})

    def listed_overdue(self, member: str, after: str, rows: int) -> list[ListedAccount]:
        """List a member's overdue accounts behind one, in the order of their references."""
        asked = {"member": member, "after": after, "rows": rows}
        return [ListedAccount(*row) for row in _LISTED.run(self._connection, asked, prepare=False)]

    def _row(self, statement: Statement, bounds: dict[str, object]) -> TupleRow:
        row = statement.run(self._connection, bounds, prepare=False).fetchone()
        if row is None:
            raise IntegrityError("a member that is measured is not enrolled")
        return row
