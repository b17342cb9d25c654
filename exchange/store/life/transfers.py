"""Statements about transfers: which version is which side of which sale.

A row moves a transfer on from the revision that its judge saw. Whoever comes too late finds another
one, writes nothing, and judges again. The rows of a file wait in a temporary table, as in staging.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from exchange.services.batches.ports import Action
from exchange.services.records.ports import (
    Place,
    SealedStatement,
    StagedTransfer,
    TransferRow,
)
from exchange.store.statement import Statement, array_of, copy_rows

_COLUMNS = "transfer_id, revision, sold_record, sold_version, bought_record, bought_version"

_FIND = Statement(f"""
SELECT {_COLUMNS} FROM transfer WHERE transfer_id = ANY (%(ids)s::uuid[])
""")  # noqa: S608 - a constant of this module

# What is deleted or withdrawn is no word about a sale any more.
_STATED = Statement("""
SELECT r.record_id, r.version, r.member_id, r.epoch, array_agg(r.token_index), min(r.kek_id),
    (array_agg(r.wrapped))[1], (array_agg(r.sealed))[1]
FROM unnest(%(ids)s::uuid[], %(versions)s::int[]) AS wanted(record_id, version), LATERAL (
    SELECT * FROM record
    WHERE record_id = wanted.record_id AND version = wanted.version OFFSET 0
) AS r
WHERE NOT EXISTS (
    SELECT FROM record c WHERE c.record_id = r.record_id AND c.current AND c.suppressed)
GROUP BY 1, 2, 3, 4
""")

# In the order of their ids: two members that sell to each other in one night wait, and do not lock
# each other out.
_KEEP = f"""
INSERT INTO transfer AS t ({_COLUMNS})
SELECT {_COLUMNS} FROM {{source}} ORDER BY transfer_id
ON CONFLICT (transfer_id) DO UPDATE SET revision = excluded.revision,
    sold_record = excluded.sold_record, sold_version = excluded.sold_version,
    bought_record = excluded.bought_record, bought_version = excluded.bought_version
WHERE t.revision = excluded.revision - 1
"""  # noqa: S608 - a constant of this module
_KEEP_ALONE = Statement(
    _KEEP.format(
        source=f"""unnest(%(ids)s::uuid[], %(revisions)s::int[], %(sold)s::uuid[],
    %(sold_versions)s::int[], %(bought)s::uuid[], %(bought_versions)s::int[]) AS v({_COLUMNS})"""
    )
)
_STORED = """staged_transfer JOIN staged USING (line)
WHERE keep AND action = %(store)s"""
_KEEP_STAGED = Statement(_KEEP.format(source=_STORED))
_COUNT_STAGED = Statement(f"SELECT count(*) FROM {_STORED}")  # noqa: S608 - likewise

_TABLES = (
    """
CREATE TEMPORARY TABLE IF NOT EXISTS staged_transfer (
    line integer NOT NULL, keep boolean NOT NULL, transfer_id uuid NOT NULL,
    revision integer NOT NULL, sold_record uuid, sold_version integer, bought_record uuid,
    bought_version integer)
""",
    "TRUNCATE staged_transfer",
)
_COPY_STAGED = "COPY staged_transfer FROM STDIN (FORMAT BINARY)"
_TYPES = ("int4", "bool", "uuid", "int4", "uuid", "int4", "uuid", "int4")

# Of one sale a file tells once: two rows of it cannot be held against each other. n = 0 puts it
# before the faults that the row has by itself.
_REFUSE_REPEATED = Statement("""
WITH repeated AS (
    SELECT transfer_id FROM staged_transfer GROUP BY 1 HAVING count(DISTINCT line) > 1
), hit AS (
    SELECT DISTINCT t.line FROM staged_transfer t JOIN repeated USING (transfer_id)
), refused AS (
    UPDATE staged s SET action = %(refuse)s, warned = false FROM hit WHERE s.line = hit.line
)
INSERT INTO staged_fault (line, n, field, code, severity)
SELECT line, 0, 'transfer_id', 'row.transfer', 'REJECT' FROM hit
""")

_FORGET = (
    Statement("""
DELETE FROM transfer WHERE
    sold_record = ANY (%(ids)s::uuid[])
        AND (bought_record IS NULL OR bought_record = ANY (%(ids)s::uuid[]))
    OR bought_record = ANY (%(ids)s::uuid[])
        AND (sold_record IS NULL OR sold_record = ANY (%(ids)s::uuid[]))
"""),
    Statement("""
UPDATE transfer SET revision = revision + 1, sold_record = NULL, sold_version = NULL
WHERE sold_record = ANY (%(ids)s::uuid[])
"""),
    Statement("""
UPDATE transfer SET revision = revision + 1, bought_record = NULL, bought_version = NULL
WHERE bought_record = ANY (%(ids)s::uuid[])
"""),
)


class Transfers:
    """Statements about transfers, bound to one open transaction."""

    def __init__(self, connection: Connection[TupleRow]) -> None:
        self._connection = connection

    def find(self, ids: Sequence[bytes]) -> list[TransferRow]:
        """Find what is known of these transfers."""
        parameters = {"ids": array_of(one.hex() for one in ids)}
        found = _FIND.run(self._connection, parameters, prepare=len(ids) == 1)
        return [
            TransferRow(row[0].bytes, row[1], _place(row[2], row[3]), _place(row[4], row[5]))
            for row in found
        ]

    def stated(self, places: Sequence[Place]) -> list[SealedStatement]:
        """Find these versions, unless their records were deleted or withdrawn since."""
        parameters = {
            "ids": array_of(record_id.hex() for record_id, _ in places),
            "versions": [version for _, version in places],
        }
        found = _STATED.run(self._connection, parameters, prepare=len(places) == 1)
        return [SealedStatement(*row) for row in found]

    def keep(self, rows: Sequence[TransferRow]) -> bool:
        """Keep what moved on; False if another side has moved it since it was seen."""
        if not rows:
            return True
        parameters = {
            "ids": [UUID(bytes=row.transfer_id) for row in rows],
            "revisions": [row.revision for row in rows],
            "sold": [_record(row.sold) for row in rows],
            "sold_versions": [row.sold and row.sold[1] for row in rows],
            "bought": [_record(row.bought) for row in rows],
            "bought_versions": [row.bought and row.bought[1] for row in rows],
        }
        return _KEEP_ALONE.run(self._connection, parameters).rowcount == len(rows)

    def reset(self) -> None:
        """Begin with nothing staged."""
        for command in _TABLES:
            self._connection.execute(command, prepare=False)

    def stage(self, rows: Sequence[StagedTransfer]) -> None:
        """Stage what rows of a file say of transfers."""
        if rows:
            copy_rows(self._connection, _COPY_STAGED, _TYPES, map(_staged, rows))

    def refuse_repeated(self) -> None:
        """Refuse every row of a transfer of which more than one row of the file speaks."""
        parameters = {"refuse": Action.REFUSE}
        _REFUSE_REPEATED.run(self._connection, parameters, prepare=False)

    def keep_staged(self) -> bool:
        """Keep what stored rows of the file moved on; False if another side was faster."""
        stored = {"store": Action.STORE}
        row = _COUNT_STAGED.run(self._connection, stored, prepare=False).fetchone()
        wanted = row[0] if row else 0
        if not wanted:
            return True
        return _KEEP_STAGED.run(self._connection, stored, prepare=False).rowcount == int(wanted)

    def forget(self, record_ids: Sequence[UUID]) -> None:
        """Take records that are removed out of their transfers, which go when both sides are."""
        for statement in _FORGET:
            statement.run(self._connection, {"ids": list(record_ids)}, prepare=False)


def _place(record_id: UUID | None, version: int | None) -> Place | None:
    return None if record_id is None or version is None else (record_id.bytes, version)


def _record(place: Place | None) -> UUID | None:
    return UUID(bytes=place[0]) if place else None


def _staged(row: StagedTransfer) -> tuple[object, ...]:
    moved = row.moved
    sold, bought = moved.sold, moved.bought
    return (
        *(row.line, row.keep, UUID(bytes=moved.transfer_id), moved.revision),
        *(_record(sold), sold and sold[1], _record(bought), bought and bought[1]),
    )
