"""Statements about operators' keys."""

from __future__ import annotations

from psycopg import Connection
from psycopg.rows import TupleRow

from exchange.domain.operators import Operator
from exchange.store.statement import Statement

# One at a time: two that retire each other at once would leave too few.
_LOCK = Statement("LOCK TABLE operator_key IN SHARE ROW EXCLUSIVE MODE")
_ALL = Statement("""
SELECT name, key, public_key, enrolled_at, retired_at FROM operator_key ORDER BY enrolled_at, name
""")
_ADD = Statement("""
INSERT INTO operator_key (name, key, public_key, enrolled_at)
VALUES (%(name)s, %(key)s, %(public_key)s, %(now)s) ON CONFLICT DO NOTHING
""")
_RETIRE = Statement("""
UPDATE operator_key SET retired_at = %(now)s WHERE name = %(name)s AND retired_at IS NULL
""")


class Operators:
    """Statements about operators' keys, bound to one open transaction."""

    def __init__(self, connection: Connection[TupleRow]) -> None:
        self._connection = connection

    def lock(self) -> None:
        """Let one change of the operators pass after the other."""
        _LOCK.run(self._connection, {})

    def all(self) -> list[Operator]:
        """List every operator's keys, the oldest first."""
        return [
            Operator(
                name=row[0], key=row[1], public_key=row[2], enrolled_at=row[3], retired_at=row[4]
            )
            for row in _ALL.run(self._connection, {})
        ]

    def add(self, operator: Operator) -> bool:
        """Enrol a key; say whether name and key were free."""
        parameters = {
            "name": operator.name,
            "key": operator.key,
            "public_key": operator.public_key,
            "now": operator.enrolled_at,
        }
        return _ADD.run(self._connection, parameters).rowcount == 1

    def retire(self, name: str, now: int) -> bool:
        """Retire an operator's live key; say whether there was one."""
        return _RETIRE.run(self._connection, {"name": name, "now": now}).rowcount == 1
