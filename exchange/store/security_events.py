"""Statements about security events; they are found by their ids, which sort by time."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from exchange.domain.security.events import EventFilter, SecurityEvent
from exchange.store.statement import Statement

_APPEND = Statement("""
INSERT INTO security_event
    (event_id, at, code, route, request_id, member_id, key, peer, body_bytes, dropped)
SELECT * FROM unnest(%(ids)s::uuid[], %(at)s::bigint[], %(codes)s::text[], %(routes)s::text[],
    %(request_ids)s::text[], %(members)s::text[], %(keys)s::text[], %(peers)s::text[],
    %(bytes)s::bigint[], %(dropped)s::int[])
""")

_NEWEST = Statement("""
SELECT at, code, route, request_id, member_id, key, peer, body_bytes, dropped FROM (
    SELECT * FROM security_event
    WHERE event_id >= %(since)s
      AND (%(member)s::text = '' OR member_id = %(member)s)
      AND (%(code)s::text = '' OR code = %(code)s)
    ORDER BY event_id DESC LIMIT %(rows_max)s::int) newest
ORDER BY event_id
""")

_FORGET = Statement("DELETE FROM security_event WHERE event_id < %(before)s")


class SecurityEvents:
    """Statements about security events, bound to one open transaction."""

    def __init__(self, connection: Connection[TupleRow]) -> None:
        self._connection = connection

    def append(self, events: Sequence[tuple[UUID, SecurityEvent]]) -> None:
        """Write events under ids of ours."""
        told = [event for _, event in events]
        parameters = {
            "ids": [event_id for event_id, _ in events],
            "at": [event.at for event in told],
            "codes": [event.code for event in told],
            "routes": [event.route for event in told],
            "request_ids": [event.request_id for event in told],
            "members": [event.member for event in told],
            "keys": [event.key for event in told],
            "peers": [event.peer for event in told],
            "bytes": [event.body_bytes for event in told],
            "dropped": [event.dropped for event in told],
        }
        _APPEND.run(self._connection, parameters)

    def newest(self, wanted: EventFilter) -> list[SecurityEvent]:
        """Read the newest events that match, oldest of them first."""
        parameters = {
            "since": _first_id_of(wanted.since),
            "member": wanted.member,
            "code": wanted.code,
            "rows_max": wanted.rows_max,
        }
        return [_event(row) for row in _NEWEST.run(self._connection, parameters)]

    def forget(self, before: int) -> int:
        """Delete events older than a time; say how many."""
        return _FORGET.run(self._connection, {"before": _first_id_of(before)}).rowcount


def _first_id_of(at: int) -> UUID:
    """Return the lowest id of this second: ids are UUIDv7, so their order is that of time."""
    return UUID(int=at * 1_000 << 80)


def _event(row: TupleRow) -> SecurityEvent:
    return SecurityEvent(
        at=row[0],
        code=row[1],
        route=row[2],
        request_id=row[3],
        member=row[4],
        key=row[5],
        peer=row[6],
        body_bytes=row[7],
        dropped=row[8],
    )
