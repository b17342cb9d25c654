"""Statements about record files: where they stand, what was sent of them, what was wrong."""

from __future__ import annotations

from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from exchange.domain.rows import RowFault, Severity
from exchange.services.batches.ports import BatchKey, BatchRow, BatchState, FaultCount, PartKey
from exchange.store.statement import Statement

_SELECT = """
SELECT b.batch_id, b.digest, b.sequence, b.state, b.kind, b.rows, b.rows_done, b.faults,
    b.received_at, b.received_bytes, b.total_bytes, j.started_at, b.key_id, b.leaf_hash,
    b.receipt, b.refusal, b.refusal_field, b.refusal_detail
FROM batch b
LEFT JOIN batch_job j ON j.member_id = b.member_id AND j.batch_id = b.batch_id
WHERE b.member_id = %(member)s
"""
_FIND = Statement(f"{_SELECT} AND b.batch_id = %(batch_id)s")
# An id begins with the time at which its member made it.
_LISTED = Statement(f"""{_SELECT}
    AND (%(after)s::uuid IS NULL OR b.batch_id < %(after)s) ORDER BY b.batch_id DESC LIMIT %(rows)s
""")

_INSERT = """
INSERT INTO batch AS b (member_id, batch_id, digest, sequence, state, kind, rows, rows_done,
    faults, received_at, received_bytes, total_bytes, key_id, leaf_hash, receipt, refusal,
    refusal_field, refusal_detail)
VALUES (%(member)s, %(batch_id)s, %(digest)s, %(sequence)s, %(state)s, %(kind)s, %(rows)s,
    %(rows_done)s, %(faults)s, %(received_at)s, %(received_bytes)s, %(total_bytes)s, %(key)s,
    %(leaf_hash)s, %(receipt)s, %(refusal)s, %(refusal_field)s, %(refusal_detail)s)
"""
# A file and its job are one: neither is there without the other.
_ADD = Statement(f"""
WITH added AS ({_INSERT} ON CONFLICT DO NOTHING RETURNING 1)
INSERT INTO batch_job (member_id, batch_id, received_at, kek_id, wrapped)
SELECT %(member)s, %(batch_id)s, %(received_at)s, %(kek_id)s, %(wrapped)s FROM added
""")  # noqa: S608 - both texts are constants of this module

_RECEIVING = Statement("""
SELECT count(*) FROM batch_job j
JOIN batch b ON b.member_id = j.member_id AND b.batch_id = j.batch_id
WHERE j.member_id = %(member)s AND b.state = 'RECEIVING'
""")

_ADD_PART = Statement("""
INSERT INTO batch_part (member_id, batch_id, start, sealed)
VALUES (%(member)s, %(batch_id)s, %(start)s, %(sealed)s)
""")

_RECEIVED = Statement("""
UPDATE batch SET received_bytes = %(after)s, state = %(state)s
WHERE member_id = %(member)s AND batch_id = %(batch_id)s AND state = 'RECEIVING'
    AND received_bytes = %(before)s
""")

_PART_KEY = Statement("""
SELECT kek_id, wrapped FROM batch_job WHERE member_id = %(member)s AND batch_id = %(batch_id)s
""")

_PART = Statement("""
SELECT start, sealed FROM batch_part
WHERE member_id = %(member)s AND batch_id = %(batch_id)s AND start >= %(start)s
ORDER BY start LIMIT 1
""")

_WAITING = Statement("""
SELECT j.member_id, j.batch_id FROM batch_job j
JOIN batch b ON b.member_id = j.member_id AND b.batch_id = j.batch_id
WHERE b.state IN ('QUEUED', 'CHECKING', 'MERGING')
ORDER BY j.received_at, b.sequence LIMIT %(rows)s
""")

_START = Statement("""
WITH reset AS (
    UPDATE batch SET state = 'CHECKING', rows_done = 0, faults = 0
    WHERE member_id = %(member)s AND batch_id = %(batch_id)s
)
UPDATE batch_job SET started_at = %(now)s, tries = tries + 1
WHERE member_id = %(member)s AND batch_id = %(batch_id)s
RETURNING tries
""")

_PROGRESS = Statement("""
UPDATE batch SET state = %(state)s, rows = %(rows)s, rows_done = %(done)s
WHERE member_id = %(member)s AND batch_id = %(batch_id)s
""")

_FINISH = Statement(f"""{_INSERT}
ON CONFLICT (member_id, batch_id) DO UPDATE SET state = excluded.state, rows = excluded.rows,
    rows_done = excluded.rows_done, faults = excluded.faults, leaf_hash = excluded.leaf_hash,
    receipt = excluded.receipt, refusal = excluded.refusal,
    refusal_field = excluded.refusal_field, refusal_detail = excluded.refusal_detail
""")

_DROP_SENT = Statement("""
WITH job AS (
    DELETE FROM batch_job WHERE member_id = %(member)s AND batch_id = %(batch_id)s
)
DELETE FROM batch_part WHERE member_id = %(member)s AND batch_id = %(batch_id)s
""")

_FAULTS = Statement("""
SELECT line, field, code, severity FROM batch_fault
WHERE member_id = %(member)s AND batch_id = %(batch_id)s AND line > %(after)s
ORDER BY line, n LIMIT %(rows)s
""")

_FAULT_COUNTS = Statement("""
SELECT code, severity, count(*) FROM batch_fault
WHERE member_id = %(member)s AND batch_id = %(batch_id)s
GROUP BY code, severity ORDER BY 3 DESC, 1
""")

_ABSENT = Statement("""
SELECT account_ref FROM batch_absent
WHERE member_id = %(member)s AND batch_id = %(batch_id)s AND account_ref > %(after)s
ORDER BY account_ref LIMIT %(rows)s
""")

_EXPIRE = Statement("""
WITH late AS (
    UPDATE batch b SET state = 'EXPIRED' FROM batch_job j
    WHERE j.received_at < %(before)s AND b.member_id = j.member_id AND b.batch_id = j.batch_id
        AND b.state = 'RECEIVING'
    RETURNING b.member_id, b.batch_id
), jobs AS (
    DELETE FROM batch_job j USING late
    WHERE j.member_id = late.member_id AND j.batch_id = late.batch_id
), dropped AS (
    DELETE FROM batch_part p USING late
    WHERE p.member_id = late.member_id AND p.batch_id = late.batch_id
)
SELECT count(*) FROM late
""")

_FORGET_DRY_RUNS = Statement("""
WITH old AS (
    DELETE FROM batch WHERE state = 'DRY_RUN_DONE' AND received_at < %(before)s
    RETURNING member_id, batch_id
), faults AS (
    DELETE FROM batch_fault f USING old
    WHERE f.member_id = old.member_id AND f.batch_id = old.batch_id
), absent AS (
    DELETE FROM batch_absent a USING old
    WHERE a.member_id = old.member_id AND a.batch_id = old.batch_id
)
SELECT count(*) FROM old
""")

_CLAIM = Statement("SELECT pg_try_advisory_lock(hashtextextended('files of ' || %(member)s, 0))")
_RELEASE = Statement("SELECT pg_advisory_unlock(hashtextextended('files of ' || %(member)s, 0))")
# Small files of a member go one after the other, beside the long one that a worker is at.
_QUEUE = Statement("SELECT pg_advisory_lock(hashtextextended('small files of ' || %(member)s, 0))")
_LEAVE = Statement(
    "SELECT pg_advisory_unlock(hashtextextended('small files of ' || %(member)s, 0))"
)


class Batches:
    """Statements about files, bound to one open transaction."""

    def __init__(self, connection: Connection[TupleRow]) -> None:
        self._connection = connection

    def find(self, key: BatchKey) -> BatchRow | None:
        """Find a file of the member."""
        row = _FIND.run(self._connection, _of(key)).fetchone()
        return None if row is None else BatchRow(*row)

    def add(self, member: str, batch: BatchRow, part_key: PartKey) -> bool:
        """Store a new file; False if its id is taken."""
        parameters = {"member": member, **batch._asdict(), **part_key._asdict()}
        return _ADD.run(self._connection, parameters).rowcount == 1

    def receiving(self, member: str) -> int:
        """Count the member's unfinished uploads."""
        row = _RECEIVING.run(self._connection, {"member": member}).fetchone()
        return row[0] if row else 0

    def add_part(self, key: BatchKey, offset: int, sealed: bytes) -> None:
        """Keep a part of what was sent."""
        _ADD_PART.run(self._connection, {**_of(key), "start": offset, "sealed": sealed})

    def received(self, key: BatchKey, *, before: int, after: int, state: BatchState) -> bool:
        """Move the count of bytes on; False if it did not stand at `before`."""
        parameters = {**_of(key), "before": before, "after": after, "state": state.value}
        return _RECEIVED.run(self._connection, parameters).rowcount == 1

    def part_key(self, key: BatchKey) -> PartKey:
        """Return the data key of what was sent."""
        row = _PART_KEY.run(self._connection, _of(key)).fetchone()
        return PartKey(row[0], row[1] or b"") if row else PartKey("", b"")

    def part(self, key: BatchKey, offset: int) -> tuple[int, bytes] | None:
        """Return the first part from an offset on, and where it starts; None at the end."""
        row = _PART.run(self._connection, {**_of(key), "start": offset}).fetchone()
        return None if row is None else (row[0], row[1])

    def waiting(self, limit: int) -> list[BatchKey]:
        """List files that are queued, or were left by a worker; oldest first."""
        return [BatchKey(*row) for row in _WAITING.run(self._connection, {"rows": limit})]

    def start(self, key: BatchKey, now: int) -> int:
        """Begin a try; return how many there were, this one included."""
        row = _START.run(self._connection, {**_of(key), "now": now}).fetchone()
        return row[0] if row else 0

    def progress(self, key: BatchKey, state: BatchState, *, rows: int, done: int) -> None:
        """Tell how far it has come."""
        parameters = {**_of(key), "state": state.value, "rows": rows, "done": done}
        _PROGRESS.run(self._connection, parameters)

    def finish(self, member: str, batch: BatchRow) -> None:
        """Store what became of a file, and drop what was sent of it."""
        _FINISH.run(self._connection, {"member": member, **batch._asdict()})
        _DROP_SENT.run(self._connection, _of(BatchKey(member, batch.batch_id)))

    def faults(self, key: BatchKey, after_line: int, limit: int) -> list[RowFault]:
        """List faults behind a line, in their order."""
        found = _FAULTS.run(self._connection, {**_of(key), "after": after_line, "rows": limit})
        return [RowFault(row[0], row[1], row[2], Severity(row[3])) for row in found]

    def listed(self, member: str, after: UUID | None, rows: int) -> list[BatchRow]:
        """List a member's files, the newest first, behind one."""
        asked = {"member": member, "after": after, "rows": rows}
        return [BatchRow(*row) for row in _LISTED.run(self._connection, asked)]

    def fault_counts(self, key: BatchKey) -> list[FaultCount]:
        """Count the faults of a file by code, the most frequent first."""
        return [FaultCount(*row) for row in _FAULT_COUNTS.run(self._connection, _of(key))]

    def absent(self, key: BatchKey, after_ref: str, limit: int) -> list[str]:
        """List open accounts that a FULL file did not mention."""
        found = _ABSENT.run(self._connection, {**_of(key), "after": after_ref, "rows": limit})
        return [row[0] for row in found]

    def claim_turn(self, member: str) -> bool:
        """Take the member's turn for this connection; it ends with it at the latest."""
        row = _CLAIM.run(self._connection, {"member": member}).fetchone()
        return bool(row and row[0])

    def release_turn(self, member: str) -> None:
        """Give the member's turn back."""
        _RELEASE.run(self._connection, {"member": member})

    def queue(self, member: str) -> None:
        """Wait for the member's other small files; the place in the queue is this connection's."""
        _QUEUE.run(self._connection, {"member": member})

    def leave_queue(self, member: str) -> None:
        """Let the next small file pass."""
        _LEAVE.run(self._connection, {"member": member})

    def expire(self, before: int) -> int:
        """Drop uploads that began before this and never ended; count them."""
        row = _EXPIRE.run(self._connection, {"before": before}).fetchone()
        return row[0] if row else 0

    def forget_dry_runs(self, before: int) -> int:
        """Drop dry runs received before this, with their faults; count them."""
        row = _FORGET_DRY_RUNS.run(self._connection, {"before": before}).fetchone()
        return row[0] if row else 0


def _of(key: BatchKey) -> dict[str, str | UUID]:
    return {"member": key.member, "batch_id": key.batch_id}
