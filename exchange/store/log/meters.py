"""Statements about counts that several processes keep, and one of them shows."""

from __future__ import annotations

from collections.abc import Mapping

from psycopg import Connection
from psycopg.rows import TupleRow

from exchange.store.statement import Statement

_ADD = Statement("""
INSERT INTO meter AS m (name, labels, value)
SELECT * FROM unnest(%(names)s::text[], %(labels)s::text[], %(values)s::float8[])
ON CONFLICT (name, labels) DO UPDATE SET value = m.value + excluded.value
""")


class Meters:
    """Counts, bound to one open transaction."""

    def __init__(self, connection: Connection[TupleRow]) -> None:
        self._connection = connection

    def add(self, counts: Mapping[tuple[str, str], float]) -> None:
        """Raise counts, by name and labels as Prometheus writes them ("": none)."""
        ordered = sorted(counts.items())  # One order for everybody: rows are locked.
        parameters = {
            "names": [name for (name, _), _ in ordered],
            "labels": [labels for (_, labels), _ in ordered],
            "values": [value for _, value in ordered],
        }
        _ADD.run(self._connection, parameters)
