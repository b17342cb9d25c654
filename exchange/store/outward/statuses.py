"""Statements about status lists: a place for each grant, and the lists as they are published."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from consent.grants import GrantState
from exchange.domain.outward.statuses import Place
from exchange.services.statuses.ports import Standing
from exchange.store.statement import Statement

_ASSIGN = Statement("""
INSERT INTO grant_status (list_id, idx, grantee, grant_id)
SELECT l.list_id, d.idx, %(grantee)s, %(grant_id)s
FROM (SELECT coalesce(max(list_id), 1) AS list_id FROM status_list) l
CROSS JOIN LATERAL (
    SELECT u.idx FROM unnest(%(draws)s::int[]) WITH ORDINALITY AS u(idx, n)
    WHERE NOT EXISTS (
        SELECT 1 FROM grant_status s WHERE s.list_id = l.list_id AND s.idx = u.idx)
    ORDER BY u.n LIMIT 1) d
ON CONFLICT DO NOTHING
RETURNING list_id, idx
""")

# Only the newest list grows, so only it is counted.
_OPEN_NEXT = Statement("""
INSERT INTO status_list (list_id, token, published_at)
SELECT coalesce(newest.list_id, 0) + 1, '', 0
FROM (SELECT max(list_id) AS list_id FROM status_list) newest
WHERE newest.list_id IS NULL OR %(filled_max)s <= (
    SELECT count(*) FROM grant_status s WHERE s.list_id = newest.list_id)
ON CONFLICT (list_id) DO NOTHING
""")
_TAKE_DUE = Statement("""
SELECT list_id FROM status_list WHERE published_at <= %(before)s
ORDER BY published_at, list_id LIMIT 1 FOR UPDATE SKIP LOCKED
""")
_STANDINGS = Statement("""
SELECT s.idx, g.state, g.expires, g.uses, g.max_uses
FROM grant_status s
JOIN grant_artefact a ON a.grantee = s.grantee AND a.grant_id = s.grant_id
JOIN grants g ON g.token_index = a.token_index AND g.grantee = a.grantee
    AND g.grant_id = a.grant_id
WHERE s.list_id = %(list_id)s
""")
_PUBLISH = Statement("""
UPDATE status_list SET token = %(token)s, published_at = %(now)s WHERE list_id = %(list_id)s
""")
_FIND = Statement("SELECT token FROM status_list WHERE list_id = %(list_id)s")


def assign_place(
    connection: Connection[TupleRow], grantee: str, grant_id: UUID, draws: Sequence[int]
) -> Place | None:
    """Give a grant the first free of the drawn places; None where all were taken meanwhile."""
    parameters = {"grantee": grantee, "grant_id": grant_id, "draws": list(draws)}
    row = _ASSIGN.run(connection, parameters).fetchone()
    return None if row is None else Place(*row)


class Statuses:
    """Statements about status lists, bound to one open transaction."""

    def __init__(self, connection: Connection[TupleRow]) -> None:
        self._connection = connection

    def open_next(self, filled_max: int) -> None:
        """Open the first list, or the next where the newest holds so many grants."""
        _OPEN_NEXT.run(self._connection, {"filled_max": filled_max})

    def take_due(self, before: int) -> int | None:
        """Hold a list that was published before then, and that nobody else holds."""
        row = _TAKE_DUE.run(self._connection, {"before": before}).fetchone()
        return None if row is None else row[0]

    def standings(self, list_id: int) -> list[Standing]:
        """Read what decides the statuses of a list."""
        rows = _STANDINGS.run(self._connection, {"list_id": list_id})
        return [Standing(row[0], GrantState(row[1]), *row[2:]) for row in rows]

    def publish(self, list_id: int, token: str, now: int) -> None:
        """Store a signed list."""
        _PUBLISH.run(self._connection, {"list_id": list_id, "token": token, "now": now})

    def find(self, list_id: int) -> str | None:
        """Fetch a signed list."""
        row = _FIND.run(self._connection, {"list_id": list_id}).fetchone()
        return None if row is None else row[0]
