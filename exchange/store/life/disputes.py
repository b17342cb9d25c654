"""Statements about disputes, the marks by which looks see them, and borrowers' statements."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from psycopg import Connection
from psycopg.errors import UniqueViolation
from psycopg.rows import TupleRow

from exchange.domain.life.disputes import Cause, DisputeEvent, DisputeState, Result
from exchange.errors import DisputeConflict, StatementConflict
from exchange.services.disputes.ports import (
    DisputeAsk,
    DisputedRecord,
    NewEvent,
    NewStatement,
    StoredDispute,
    StoredEvent,
    StoredStatement,
)
from exchange.store.statement import Statement

_COLUMNS = """dispute_id, member_id, record_id, account_ref, token_index, cause, opened_by,
    opened_at, due_on, due_at, extended, state, result, answered_at, closed_at, days_late, reopened,
    digest, kek_id, wrapped"""

_RECORD = """
SELECT a.record_id, a.member_id, a.account_ref, array_agg(r.token_index ORDER BY
    r.token_index <> a.token_index, r.token_index)
FROM account a JOIN record r ON r.record_id = a.record_id AND r.version = a.version
WHERE {which} AND NOT r.suppressed GROUP BY a.record_id, a.member_id, a.account_ref
"""
_OF_ACCOUNT = Statement(
    _RECORD.format(which="a.member_id = %(member)s AND a.account_ref = %(account_ref)s")
)
_OF_RECORD = Statement(_RECORD.format(which="a.record_id = %(record_id)s"))

_ADD = Statement(f"""
INSERT INTO dispute ({_COLUMNS})
VALUES (%(dispute_id)s, %(member)s, %(record_id)s, %(account_ref)s, %(token_index)s, %(cause)s,
    %(opened_by)s, %(opened_at)s, %(due_on)s, %(due_at)s, %(extended)s, %(state)s, %(result)s,
    %(answered_at)s, %(closed_at)s, %(days_late)s, %(reopened)s, %(digest)s, %(kek_id)s,
    %(wrapped)s)
""")  # noqa: S608 - composed of constants alone
_FIND = f"SELECT {_COLUMNS} FROM dispute WHERE dispute_id = %(dispute_id)s"  # noqa: S608 - the same
_LOOK, _HOLD = Statement(_FIND), Statement(_FIND + " FOR UPDATE")
_RUNNING = Statement("""
SELECT dispute_id FROM dispute
WHERE record_id = %(record_id)s AND state IN ('OPEN', 'ANSWERED')
""")
_SAVE = Statement("""
UPDATE dispute SET opened_at = %(opened_at)s, due_on = %(due_on)s, due_at = %(due_at)s,
    extended = %(extended)s, state = %(state)s, result = %(result)s, answered_at = %(answered_at)s,
    closed_at = %(closed_at)s, days_late = %(days_late)s, reopened = %(reopened)s
WHERE dispute_id = %(dispute_id)s
""")
_ADD_EVENT = Statement("""
INSERT INTO dispute_event (dispute_id, n, event, actor, result, happened_at, leaf_hash, sealed)
SELECT %(dispute_id)s, coalesce(max(n), 0) + 1, %(event)s::text, %(actor)s::text, %(result)s::text,
    %(happened_at)s::bigint, %(leaf_hash)s::bytea, %(sealed)s::bytea
FROM dispute_event WHERE dispute_id = %(dispute_id)s
""")
_EVENTS = Statement("""
SELECT n, event, actor, result, happened_at, leaf_hash, sealed FROM dispute_event
WHERE dispute_id = %(dispute_id)s ORDER BY n
""")
_MARK = Statement("""
INSERT INTO dispute_mark (record_id, due_at) VALUES (%(record_id)s, %(due_at)s)
ON CONFLICT (record_id) DO UPDATE SET due_at = excluded.due_at
""")
_UNMARK = Statement("DELETE FROM dispute_mark WHERE record_id = %(record_id)s")
_LIST = Statement(f"""
SELECT {_COLUMNS} FROM dispute
WHERE (%(member)s::text IS NULL OR member_id = %(member)s::text)
    AND (%(state)s::text IS NULL OR state = %(state)s::text)
    AND (%(overdue_at)s::bigint IS NULL OR (state = 'OPEN' AND due_at <= %(overdue_at)s::bigint))
    AND (%(after)s::uuid IS NULL OR dispute_id > %(after)s::uuid)
ORDER BY dispute_id LIMIT %(rows)s
""")  # noqa: S608 - composed of constants alone
_OF_SUBJECT = Statement(f"""
SELECT {_COLUMNS} FROM dispute WHERE token_index = ANY (%(indices)s::bytea[]) ORDER BY dispute_id
""")  # noqa: S608 - composed of constants alone
_ANSWERED_BEFORE = Statement("""
SELECT dispute_id FROM dispute WHERE state = 'ANSWERED' AND answered_at < %(moment)s
ORDER BY dispute_id LIMIT %(rows)s
""")

_ADD_STATEMENT = Statement("""
INSERT INTO statement (token_index, statement_id, record_id, about_member, made_at, digest,
    leaf_hash, kek_id, wrapped, sealed)
SELECT i.token_index, %(statement_id)s, %(record_id)s, %(about_member)s, %(made_at)s, %(digest)s,
    %(leaf_hash)s, %(kek_id)s, %(wrapped)s, %(sealed)s
FROM unnest(%(indices)s::bytea[]) AS i(token_index)
""")
_STATEMENT = Statement("""
SELECT digest, leaf_hash, made_at FROM statement
WHERE token_index = %(index)s AND statement_id = %(statement_id)s
""")


class Disputes:
    """Statements about disputes, bound to one open transaction."""

    def __init__(self, connection: Connection[TupleRow]) -> None:
        self._connection = connection

    def record_of_account(self, member: str, account_ref: str) -> DisputedRecord | None:
        """Find the live record of an account of this member."""
        parameters = {"member": member, "account_ref": account_ref}
        return _record(_OF_ACCOUNT.run(self._connection, parameters).fetchone())

    def record(self, record_id: UUID) -> DisputedRecord | None:
        """Find a live record."""
        return _record(_OF_RECORD.run(self._connection, {"record_id": record_id}).fetchone())

    def add(self, dispute: StoredDispute) -> bool:
        """Store a dispute; say whether its id was free and the record under no other one."""
        try:
            _ADD.run(self._connection, dispute._asdict())
        except UniqueViolation:
            return False
        return True

    def find(self, dispute_id: UUID, *, lock: bool = False) -> StoredDispute | None:
        """Find a dispute; with `lock`, hold it as it is until the end."""
        statement = _HOLD if lock else _LOOK
        row = statement.run(self._connection, {"dispute_id": dispute_id}).fetchone()
        return None if row is None else _dispute(row)

    def running(self, record_id: UUID) -> UUID | None:
        """Find the dispute that runs about a record."""
        row = _RUNNING.run(self._connection, {"record_id": record_id}).fetchone()
        return None if row is None else row[0]

    def save(self, dispute: StoredDispute) -> None:
        """Store where a locked dispute stands now."""
        try:
            _SAVE.run(self._connection, dispute._asdict())
        except UniqueViolation as error:  # It was opened again, and so was another.
            raise DisputeConflict("another dispute runs about this record") from error

    def add_event(self, dispute_id: UUID, event: NewEvent) -> None:
        """Append one step to a dispute that is locked, or was added just now."""
        _ADD_EVENT.run(self._connection, {"dispute_id": dispute_id, **event._asdict()})

    def events(self, dispute_id: UUID) -> list[StoredEvent]:
        """List the steps of a dispute, oldest first."""
        rows = _EVENTS.run(self._connection, {"dispute_id": dispute_id})
        return [
            StoredEvent(row[0], DisputeEvent(row[1]), row[2], row[3] and Result(row[3]), *row[4:])
            for row in rows
        ]

    def mark(self, record_id: UUID, due_at: int | None) -> None:
        """Let every look see that a record is disputed, and from when its answer is overdue."""
        _MARK.run(self._connection, {"record_id": record_id, "due_at": due_at})

    def unmark(self, record_id: UUID) -> None:
        """Let looks see no dispute about a record."""
        _UNMARK.run(self._connection, {"record_id": record_id})

    def listed(self, ask: DisputeAsk) -> list[StoredDispute]:
        """List disputes in the order of their ids."""
        found = _LIST.run(self._connection, ask._asdict(), prepare=False)
        return [_dispute(row) for row in found]

    def of_subject(self, indices: Sequence[bytes]) -> list[StoredDispute]:
        """List the disputes about one subject's records."""
        found = _OF_SUBJECT.run(self._connection, {"indices": list(indices)})
        return [_dispute(row) for row in found]

    def answered_before(self, moment: int, rows: int) -> list[UUID]:
        """Find disputes answered before this time that nobody has closed."""
        found = _ANSWERED_BEFORE.run(self._connection, {"moment": moment, "rows": rows})
        return [row[0] for row in found]

    def add_statement(self, statement: NewStatement) -> None:
        """Store a statement under each of the subject's tokens."""
        parameters = {**statement._asdict(), "indices": list(statement.indices)}
        try:
            _ADD_STATEMENT.run(self._connection, parameters)
        except UniqueViolation as error:
            raise StatementConflict("was made a moment ago", field="statement_id") from error

    def statement(self, index: bytes, statement_id: UUID) -> StoredStatement | None:
        """Find a statement of this id."""
        parameters = {"index": index, "statement_id": statement_id}
        row = _STATEMENT.run(self._connection, parameters).fetchone()
        return None if row is None else StoredStatement(*row)


def _record(row: TupleRow | None) -> DisputedRecord | None:
    return None if row is None else DisputedRecord(row[0], row[1], row[2], tuple(row[3]))


def _dispute(row: TupleRow) -> StoredDispute:
    cause, state, result = Cause(row[5]), DisputeState(row[11]), row[12] and Result(row[12])
    return StoredDispute._make((*row[:5], cause, *row[6:11], state, result, *row[13:]))
