"""Statements by which a use case writes its leaves, in its own transaction.

`APPEND_LEAF` is shared with `queries.py`, which folds it into its own statement: one round trip.
"""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import Connection
from psycopg.rows import TupleRow

from exchange.services.log.leaf_ports import LeafRow, SubjectAsk, SubjectTurn
from exchange.store.driver.columns import blobs, copy_columns, same_int4, same_int8, texts
from exchange.store.driver.trips import TripConnection
from exchange.store.functions import WRITERS_LOCK
from exchange.store.statement import Statement

# Writes one leaf. `ord` is drawn here, after all row locks.
APPEND_LEAF = """
leaves AS (
    INSERT INTO leaf (leaf_hash, log_id, entry, created_at)
    VALUES (%(leaf_hash)s, %(log_id)s, %(entry)s, %(now)s)
),
openings AS (
    INSERT INTO opening (leaf_hash, key_id, subject, audit)
    VALUES (%(leaf_hash)s, %(key_id)s, %(subject_sealed)s, %(audit_sealed)s)
),
searches AS (
    INSERT INTO log_search (leaf_hash, kind, member_id, subject, purpose, outcome, t,
        operator_mac, application_mac)
    VALUES (%(leaf_hash)s, %(kind)s, %(member_id)s, %(subject)s, %(purpose)s, %(outcome)s, %(now)s,
        %(operator_mac)s, %(application_mac)s)
)"""

# The sort gives concurrent transactions one lock order.
_OPEN = Statement("""
WITH asked AS MATERIALIZED (
    SELECT * FROM unnest(
        %(subject)s::text[], %(key_id)s::text[], %(kek_id)s::text[], %(wrapped)s::bytea[]
    ) WITH ORDINALITY AS a(subject, key_id, kek_id, wrapped, ord)
),
counted AS (
    INSERT INTO subject_counter AS c (log_id, subject, last_seq)
    SELECT %(log_id)s, subject, 1 FROM asked WHERE subject <> '' ORDER BY subject
    ON CONFLICT (log_id, subject) DO UPDATE SET last_seq = c.last_seq + 1
    RETURNING subject, last_seq
),
made AS (
    INSERT INTO opening_key (key_id, kek_id, wrapped)
    SELECT DISTINCT ON (key_id) key_id, kek_id, wrapped FROM asked ORDER BY key_id
    ON CONFLICT (key_id) DO NOTHING
    RETURNING key_id, kek_id, wrapped
),
keyed AS (
    SELECT key_id, kek_id, wrapped FROM made
    UNION ALL
    SELECT a.key_id, k.kek_id, k.wrapped FROM (SELECT DISTINCT key_id FROM asked) a
    CROSS JOIN LATERAL (
        SELECT kek_id, wrapped FROM opening_key k WHERE k.key_id = a.key_id OFFSET 0
    ) k
)
SELECT a.ord, coalesce(c.last_seq, 0), k.kek_id, k.wrapped
FROM asked a LEFT JOIN counted c USING (subject) LEFT JOIN keyed k USING (key_id)
ORDER BY a.ord
""")

_APPEND = Statement(f"WITH {APPEND_LEAF} SELECT 1")

# Many rows go by COPY: no statement is parsed or planned for their number.
_COPY_LEAVES = "COPY leaf (leaf_hash, log_id, entry, created_at) FROM STDIN (FORMAT BINARY)"
_COPY_OPENINGS = "COPY opening (leaf_hash, key_id, subject, audit) FROM STDIN (FORMAT BINARY)"
_COPY_SEARCHES = """COPY log_search (leaf_hash, kind, member_id, subject, purpose, outcome, t,
    operator_mac, application_mac) FROM STDIN (FORMAT BINARY)"""
_OPENING_KEY = Statement("SELECT kek_id, wrapped FROM opening_key WHERE key_id = %(key_id)s")


def leaf_parameters(row: LeafRow, *, log_id: int, now: int) -> dict[str, object]:
    """Name the parameters of `APPEND_LEAF`."""
    return {
        "leaf_hash": row.leaf_hash,
        "log_id": log_id,
        "entry": row.entry,
        "now": now,
        "key_id": row.key_id,
        "subject_sealed": row.subject_sealed,
        "audit_sealed": row.audit_sealed,
        "kind": row.kind,
        "member_id": row.member,
        "subject": row.subject,
        "purpose": row.purpose,
        "outcome": row.outcome,
        "operator_mac": row.operator_mac,
        "application_mac": row.application_mac,
    }


def copy_leaves(
    connection: TripConnection, rows: Sequence[LeafRow], *, log_id: int, now: int
) -> None:
    """Write many leaves, openings and search rows."""
    hashes = [row.leaf_hash for row in rows]
    written = same_int8(now)
    copy_columns(
        connection,
        _COPY_LEAVES,
        (blobs(hashes), same_int4(log_id), blobs([row.entry for row in rows]), written),
    )
    copy_columns(
        connection,
        _COPY_OPENINGS,
        (
            blobs(hashes),
            texts([row.key_id for row in rows]),
            blobs([row.subject_sealed for row in rows]),
            blobs([row.audit_sealed for row in rows]),
        ),
    )
    copy_columns(
        connection,
        _COPY_SEARCHES,
        (
            blobs(hashes),
            texts([row.kind for row in rows]),
            texts([row.member for row in rows]),
            texts([row.subject for row in rows]),
            texts([row.purpose for row in rows]),
            texts([row.outcome for row in rows]),
            written,
            blobs([row.operator_mac for row in rows]),
            blobs([row.application_mac for row in rows]),
        ),
    )


def opening_key(connection: Connection[TupleRow], key_id: str) -> tuple[str, bytes]:
    """Fetch an opening key that another transaction made while this statement ran."""
    row = _OPENING_KEY.run(connection, {"key_id": key_id}).fetchone()
    if row is None:
        raise LookupError("an opening key vanished between two statements")
    return row[0], row[1]


_SHARE = Statement(f"SELECT pg_advisory_xact_lock_shared({WRITERS_LOCK})")
_FIND_LOG = Statement("SELECT log_id FROM log WHERE origin = %(origin)s AND closed_at IS NULL")


class Leaves:
    """Statements about leaves, bound to one open transaction."""

    def __init__(self, connection: TripConnection) -> None:
        self._connection = connection

    def open_subjects(self, asks: Sequence[SubjectAsk], *, log_id: int) -> list[SubjectTurn]:
        """Raise the subjects' counters (locking them) and fetch their opening keys."""
        rows = _OPEN.run(
            self._connection,
            {
                "log_id": log_id,
                "subject": [ask.subject for ask in asks],
                "key_id": [ask.key_id for ask in asks],
                "kek_id": [ask.kek_id for ask in asks],
                "wrapped": [ask.wrapped for ask in asks],
            },
        ).fetchall()
        turns = []
        for ask, (_, seq, kek_id, wrapped) in zip(asks, rows, strict=True):
            if wrapped is None:  # Made by a transaction that this statement's snapshot missed.
                kek_id, wrapped = opening_key(self._connection, ask.key_id)
            turns.append(SubjectTurn(seq=seq, kek_id=kek_id, wrapped=wrapped))
        return turns

    def find_log(self, origin: str) -> int | None:
        """Find the open log of this name, and keep it open until this transaction ends."""
        # Two statements: the second sees what the first waited for.
        _SHARE.run(self._connection, {})
        row = _FIND_LOG.run(self._connection, {"origin": origin}).fetchone()
        return None if row is None else int(row[0])

    def append(self, leaves: Sequence[LeafRow], *, log_id: int, now: int) -> None:
        """Write leaves, openings and search rows."""
        if len(leaves) == 1:
            _APPEND.run(self._connection, leaf_parameters(leaves[0], log_id=log_id, now=now))
        else:
            copy_leaves(self._connection, leaves, log_id=log_id, now=now)
