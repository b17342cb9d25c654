"""Statements about the staged rows that correct what somebody was answered by.

They are chosen once and paged by their line, so that a file of corrections takes no more memory
than any other. What askers would have been shown before the merge waits beside them, sealed.
"""

from __future__ import annotations

from psycopg import Connection
from psycopg.rows import TupleRow

from exchange.services.batches.ports import Action
from exchange.services.events.ports import Correction, SealedPage
from exchange.store.statement import Statement

_TABLES = (
    """
CREATE TEMPORARY TABLE IF NOT EXISTS staged_correction (
    line integer PRIMARY KEY, indices bytea[] NOT NULL, deleted boolean NOT NULL)
""",
    """
CREATE TEMPORARY TABLE IF NOT EXISTS staged_before (
    after_line integer PRIMARY KEY, kek_id text NOT NULL, wrapped bytea NOT NULL,
    sealed bytea NOT NULL)
""",
    "TRUNCATE staged_correction, staged_before",
)
_CHOOSE = Statement("""
INSERT INTO staged_correction (line, indices, deleted)
SELECT line, array_remove(ARRAY[index_1, index_2, index_3], NULL), deleted FROM staged s
WHERE action = %(store)s AND (amended OR deleted) AND EXISTS (
    SELECT FROM inquiry i
    WHERE i.token_index = ANY (ARRAY[s.index_1, s.index_2, s.index_3])
        AND i.asked_at >= %(since)s)
""")
_PAGE = Statement("""
SELECT line, indices, deleted FROM staged_correction WHERE line > %(after)s
ORDER BY line LIMIT %(rows)s
""")
_KEEP_BEFORE = Statement("""
INSERT INTO staged_before (after_line, kek_id, wrapped, sealed)
VALUES (%(after)s, %(kek_id)s, %(wrapped)s, %(sealed)s)
""")
_BEFORE = Statement("""
SELECT kek_id, wrapped, sealed FROM staged_before WHERE after_line = %(after)s
""")


class StagedCorrections:
    """Statements about the corrections of one file, bound to one open transaction."""

    def __init__(self, connection: Connection[TupleRow]) -> None:
        self._connection = connection

    def choose(self, since: int) -> None:
        """Choose the corrections of subjects whom anybody asked about since then."""
        for command in _TABLES:
            self._connection.execute(command, prepare=False)
        parameters = {"store": Action.STORE, "since": since}
        _CHOOSE.run(self._connection, parameters, prepare=False)

    def page(self, after: int, rows: int) -> list[Correction]:
        """Return the next corrections behind a line, in order."""
        found = _PAGE.run(self._connection, {"after": after, "rows": rows})
        return [Correction(row[0], tuple(row[1]), row[2]) for row in found]

    def keep_before(self, after: int, page: SealedPage) -> None:
        """Keep what was to be seen before the merge, of the page behind a line."""
        _KEEP_BEFORE.run(self._connection, {"after": after, **page._asdict()})

    def before(self, after: int) -> SealedPage | None:
        """Return what was to be seen before the merge, of the page behind a line."""
        row = _BEFORE.run(self._connection, {"after": after}).fetchone()
        return SealedPage(*row) if row else None
