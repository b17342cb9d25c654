"""Statements about events: written where something happens, numbered when somebody reads."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from exchange.domain.outward.events import EventKind, FeedEvent, NewEvent, StoredBands
from exchange.services.events.ports import Expiring, PastAsker
from exchange.services.queries.ports import StoredAnswer
from exchange.services.records.ports import SealedRecord
from exchange.store.statement import Statement

NUMBERED_AT_ONCE_MAX = 5_000  # the rest is numbered at the next reading

_ADD = Statement("""
INSERT INTO event (event_id, member_id, kind, about, facts, made_at, key_id, sealed, once)
SELECT * FROM unnest(%(event_ids)s::uuid[], %(members)s::text[], %(kinds)s::text[],
    %(abouts)s::uuid[], %(facts)s::text[], %(made_at)s::bigint[], %(key_ids)s::text[],
    %(sealed)s::bytea[], %(once)s::text[])
ON CONFLICT (once) WHERE once IS NOT NULL DO NOTHING
""")

_WAITING = Statement("""
SELECT EXISTS (SELECT 1 FROM event WHERE member_id = %(member)s AND seq IS NULL)
""")
_OPEN_COUNT = Statement("""
INSERT INTO feed (member_id, last_seq) VALUES (%(member)s, 0) ON CONFLICT (member_id) DO NOTHING
""")
_LOCK_COUNT = Statement("SELECT last_seq FROM feed WHERE member_id = %(member)s FOR UPDATE")
# A statement of its own: it sees everything that committed before the lock was had.
_NUMBER = Statement("""
WITH waiting AS (
    SELECT event_id, row_number() OVER (ORDER BY ord) AS n FROM (
        SELECT event_id, ord FROM event WHERE member_id = %(member)s AND seq IS NULL
        ORDER BY ord LIMIT %(rows_max)s::int) oldest
), numbered AS (
    UPDATE event e SET seq = %(last)s::bigint + w.n FROM waiting w WHERE e.event_id = w.event_id
    RETURNING e.seq
)
UPDATE feed SET last_seq = greatest(last_seq, (SELECT max(seq) FROM numbered))
WHERE member_id = %(member)s
""")

_PLACE = Statement("""
SELECT seq FROM event
WHERE event_id = %(event_id)s AND member_id = %(member)s AND seq IS NOT NULL
""")
_READ = """
SELECT seq, event_id, kind, about, facts, made_at, k.key_id, k.kek_id, k.wrapped, sealed
FROM event LEFT JOIN opening_key k USING (key_id)
WHERE member_id = %(member)s AND seq > %(after)s::bigint
ORDER BY seq LIMIT %(rows_max)s::int
"""
_READ_ALL = Statement(_READ)
_READ_GRANTS = Statement(_READ.replace("ORDER BY", "    AND left(kind, 6) = 'GRANT_' ORDER BY"))

_TOLD = Statement("SELECT EXISTS (SELECT 1 FROM event WHERE once = %(once)s)")
_EXPIRING = Statement("""
SELECT g.grantee, g.grant_id, g.state, g.expires, w.once
FROM grants g CROSS JOIN LATERAL (
    SELECT format('expiring/%s/%s/%s/%s', g.grantee, g.grant_id, %(days)s::int, g.expires)
        AS once) w
WHERE g.max_uses IS DISTINCT FROM 1 AND g.state IN ('ACTIVE', 'PAUSED')
    AND g.expires > %(after)s AND g.expires <= %(until)s
    AND g.expires - g.not_before > %(days)s::bigint * 86400
    AND NOT EXISTS (SELECT 1 FROM event e WHERE e.once = w.once)
ORDER BY g.expires LIMIT %(rows_max)s::int
""")
_PAST_ASKERS = Statement("""
SELECT DISTINCT ON (i.member_id) i.member_id, i.query_id, q.digest, q.leaf_hash, q.key_id,
    q.sealed, k.kek_id, k.wrapped
FROM inquiry i
JOIN member m ON m.member_id = i.member_id AND m.status = 'ACTIVE'
JOIN query q ON q.member_id = i.member_id AND q.query_id = i.query_id
JOIN opening_key k ON k.key_id = q.key_id
WHERE i.token_index = ANY (%(indices)s::bytea[]) AND i.asked_at >= %(since)s
ORDER BY i.member_id, i.asked_at DESC
""")
# As the gate reads them: see store/functions.py.
_RECORDS_OF = Statement("""
SELECT r.record_id, r.member_id, r.version, r.epoch, d.record_id IS NOT NULL,
    r.suppressed OR EXISTS (SELECT 1 FROM withheld w
        WHERE w.record_id = r.record_id AND r.version <= w.version),
    r.kek_id, r.wrapped, r.sealed, coalesce(d.due_at <= %(now)s, false)
FROM record r LEFT JOIN dispute_mark d ON d.record_id = r.record_id
WHERE r.token_index = ANY (%(indices)s::bytea[]) AND r.current
""")
_CONTRIBUTORS = Statement("""
SELECT count(*) FROM member
WHERE status = 'ACTIVE' AND 'contributor' = ANY (roles) AND member_id <> %(member)s
""")


class Events:
    """Statements about events, bound to one open transaction."""

    def __init__(self, connection: Connection[TupleRow]) -> None:
        self._connection = connection

    def add(self, events: Sequence[NewEvent]) -> int:
        """Write events in this transaction; say how many were not told before (`once`)."""
        parameters = {
            "event_ids": [event.event_id for event in events],
            "members": [event.member for event in events],
            "kinds": [event.kind.value for event in events],
            "abouts": [event.about for event in events],
            "facts": [event.facts for event in events],
            "made_at": [event.made_at for event in events],
            "key_ids": [event.bands.key_id if event.bands else None for event in events],
            "sealed": [event.bands.sealed if event.bands else None for event in events],
            "once": [event.once for event in events],
        }
        return _ADD.run(self._connection, parameters, prepare=False).rowcount

    def number(self, member: str) -> None:
        """Give what has committed for a member its place; lock the member's count, briefly."""
        parameters: dict[str, object] = {"member": member, "rows_max": NUMBERED_AT_ONCE_MAX}
        if not _one(_WAITING.run(self._connection, parameters).fetchone())[0]:
            return
        _OPEN_COUNT.run(self._connection, parameters)
        last = _one(_LOCK_COUNT.run(self._connection, parameters).fetchone())[0]
        _NUMBER.run(self._connection, {**parameters, "last": last})

    def place(self, member: str, event_id: UUID) -> int | None:
        """Return the place of one of the member's events."""
        parameters = {"member": member, "event_id": event_id}
        row = _PLACE.run(self._connection, parameters).fetchone()
        return None if row is None else row[0]

    def told(self, once: str) -> bool:
        """Say whether something that is told but once was told before."""
        return bool(_one(_TOLD.run(self._connection, {"once": once}).fetchone())[0])

    def expiring(self, after: int, until: int, days: int, rows_max: int) -> list[Expiring]:
        """Find grants that end in this span and were not told of under so many days' notice."""
        parameters = {"after": after, "until": until, "days": days, "rows_max": rows_max}
        return [Expiring(*row) for row in _EXPIRING.run(self._connection, parameters)]

    def past_askers(self, indices: Sequence[bytes], since: int) -> list[PastAsker]:
        """Find the active members that asked about new credit since then, each with its last."""
        parameters = {"indices": list(indices), "since": since}
        rows = _PAST_ASKERS.run(self._connection, parameters)
        return [PastAsker(row[0], row[1], StoredAnswer(*row[2:8])) for row in rows]

    def records_of(self, indices: Sequence[bytes], now: int) -> list[SealedRecord]:
        """Fetch the current records under a subject's identity tokens, as a look reads them."""
        parameters = {"indices": list(indices), "now": now}
        return [SealedRecord(*row) for row in _RECORDS_OF.run(self._connection, parameters)]

    def contributors(self, member: str) -> int:
        """Count the active members that contribute, but for this one."""
        parameters = {"member": member}
        return int(_one(_CONTRIBUTORS.run(self._connection, parameters).fetchone())[0])

    def read(self, member: str, after: int, rows_max: int, *, grants_only: bool) -> list[FeedEvent]:
        """Read numbered events after a place, in order."""
        parameters = {"member": member, "after": after, "rows_max": rows_max}
        statement = _READ_GRANTS if grants_only else _READ_ALL
        return [_event(row) for row in statement.run(self._connection, parameters)]


def _one(row: TupleRow | None) -> TupleRow:
    if row is None:
        raise LookupError("a statement that always returns a row returned none")
    return row


def _event(row: TupleRow) -> FeedEvent:
    return FeedEvent(
        seq=row[0],
        event_id=row[1],
        kind=EventKind(row[2]),
        about=row[3],
        facts=row[4],
        made_at=row[5],
        bands=None if row[6] is None else StoredBands(*row[6:10]),
    )
