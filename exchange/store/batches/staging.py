"""Statements about the one file that a session is at work on.

Its judged rows lie in temporary tables: nobody else sees them, they are never in the write-ahead
log, and they go with the session. One transaction moves them over, ordered as the indexes are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from psycopg import Connection
from psycopg.errors import UniqueViolation
from psycopg.rows import TupleRow

from consent.grants import HeldGrant
from exchange.domain.rows import RowFault
from exchange.services.batches.ports import (
    Action,
    BatchKey,
    MergeTerms,
    StagedCounts,
    StagedRow,
)
from exchange.store.batches.staged_grants import GRANT_KINDS, REFUSE_BY_GRANTS, columns_of
from exchange.store.batches.staged_rows import COPY_STAGED, STAGED, packed
from exchange.store.batches.whole_files import WARN, WARN_CROWDED
from exchange.store.records import held_grant
from exchange.store.statement import Statement, copy_rows

_TABLES = (
    STAGED,
    """
CREATE TEMPORARY TABLE IF NOT EXISTS staged_fault (
    line integer NOT NULL, n smallint NOT NULL, field text NOT NULL, code text NOT NULL,
    severity text NOT NULL)
""",
    "TRUNCATE staged, staged_fault",
)

# Of one statement of the one file that a worker is at.
_SORT_MEMORY = "SET LOCAL work_mem = '64MB'"

_COPY_FAULTS = "COPY staged_fault FROM STDIN (FORMAT BINARY)"
_FAULT_TYPES = ("int4", "int2", "text", "text", "text")

# Most files name each account once; this says so at half of what naming the others takes.
_NAMED_ONCE = Statement("""
SELECT count(DISTINCT account_ref) = count(*) AND count(previous_ref) = 0 FROM staged
""")

# n = -1 puts it before the row's other refusals: that of its grant, and those by itself.
_REFUSE_DUPLICATES = Statement("""
WITH named AS (
    SELECT line, account_ref AS ref FROM staged
    UNION ALL
    SELECT line, previous_ref FROM staged WHERE previous_ref IS NOT NULL
), hit AS (
    SELECT DISTINCT line FROM (
        SELECT line, count(*) OVER (PARTITION BY ref) AS times FROM named
    ) AS counted
    WHERE times > 1
), refused AS (
    UPDATE staged s SET action = %(refuse)s, warned = false FROM hit WHERE s.line = hit.line
)
INSERT INTO staged_fault (line, n, field, code, severity)
SELECT line, -1, 'account_ref', 'row.duplicate', 'REJECT' FROM hit
""")

_COUNTS = Statement("""
SELECT count(*) FILTER (WHERE action = %(store)s), count(*) FILTER (WHERE action = %(confirm)s),
    count(*) FILTER (WHERE action = %(store)s AND amended),
    count(*) FILTER (WHERE action = %(store)s AND deleted),
    count(*) FILTER (WHERE action = %(refuse)s), count(*) FILTER (WHERE warned),
    count(*) FILTER (WHERE action = %(store)s AND version > 1),
    count(*) FILTER (WHERE action = %(store)s AND left_ref IS NOT NULL),
    count(*) FILTER (WHERE action = %(store)s AND (version = 1 OR left_ref IS NOT NULL))
FROM staged
""")

# A row to store stands under each of its identity tokens; most have one.
_EACH_INDEX = """
SELECT s.*, s.index_1 AS token_index FROM staged s
WHERE s.action = %(store)s AND s.index_2 IS NULL
UNION ALL
SELECT s.*, i.token_index FROM staged s, unnest(ARRAY[s.index_1, s.index_2, s.index_3])
    AS i(token_index)
WHERE s.action = %(store)s AND s.index_2 IS NOT NULL AND i.token_index IS NOT NULL
"""

# The account that a row was judged against, by a probe each: for a member that the statistics do
# not know yet a plain join reads all staged rows for each account. One that moved is not found.
_ACCOUNT = """LATERAL (
    SELECT k.ctid AS place FROM account k WHERE k.member_id = %(member)s
        AND k.account_ref = {} AND k.record_id = {} AND k.version = {} OFFSET 0) AS found"""

_LEAVE_ACCOUNTS = Statement(f"""
DELETE FROM account a USING staged s,
    {_ACCOUNT.format("s.left_ref", "s.left_record", "s.left_version")}
WHERE s.action = %(store)s AND s.left_ref IS NOT NULL AND a.ctid = found.place
""")  # noqa: S608 - both texts are constants of this module

_RETIRE = Statement("""
UPDATE record r SET current = false FROM staged s, LATERAL (
    SELECT k.ctid AS place FROM record k
    WHERE k.record_id = s.record_id AND k.version = s.version - 1 AND k.current OFFSET 0
) AS found
WHERE s.action = %(store)s AND s.version > 1 AND r.ctid = found.place
""")

# That no account stands under a new number, the key says.
_OPEN_ACCOUNTS = Statement("""
INSERT INTO account (member_id, account_ref, record_id, version, token_index, epoch, sequence)
SELECT %(member)s, account_ref, record_id, version, index_1, epoch, %(sequence)s
FROM staged WHERE action = %(store)s AND (version = 1 OR left_ref IS NOT NULL)
ORDER BY account_ref
""")

# A known account must stand where it was judged: else it is not written, and the count falls short.
_CONTINUE_ACCOUNTS = Statement(f"""
UPDATE account a SET version = s.version, token_index = s.index_1, epoch = s.epoch,
    sequence = %(sequence)s
FROM staged s, {_ACCOUNT.format("s.account_ref", "s.record_id", "s.version - 1")}
WHERE s.action = %(store)s AND s.version > 1 AND s.left_ref IS NULL AND a.ctid = found.place
""")  # noqa: S608 - both texts are constants of this module

# A file that repeats what is stored is still the latest word about it.
_CONFIRM_ACCOUNTS = Statement(f"""
UPDATE account a SET sequence = greatest(a.sequence, %(sequence)s)
FROM staged s, {_ACCOUNT.format("s.account_ref", "s.record_id", "s.version")}
WHERE s.action = %(confirm)s AND a.ctid = found.place
""")  # noqa: S608 - both texts are constants of this module

_KEEP_VERSIONS = Statement(f"""
INSERT INTO record (token_index, record_id, version, member_id, epoch, current, open, overdue,
    disputed, suppressed, grant_id, batch_id, submitted_at, purge_on, kek_id, wrapped, sealed)
SELECT s.token_index, s.record_id, s.version, %(member)s, s.epoch, true, s.open, s.overdue,
    s.version > 1 AND NOT s.deleted AND EXISTS (
        SELECT FROM record r
        WHERE r.record_id = s.record_id AND r.version = s.version - 1 AND r.disputed),
    s.deleted, s.grant_id, %(batch_id)s, %(submitted_at)s, s.purge_on, s.kek_id, s.wrapped,
    s.sealed
FROM ({_EACH_INDEX}) AS s ORDER BY s.token_index
""")  # noqa: S608 - both texts are constants of this module

_KEEP_ABSENT = Statement("""
INSERT INTO batch_absent (member_id, batch_id, account_ref)
SELECT a.member_id, %(batch_id)s, a.account_ref FROM account a
JOIN record r ON r.token_index = a.token_index AND r.record_id = a.record_id
    AND r.version = a.version
WHERE a.member_id = %(member)s AND r.open AND NOT r.suppressed
    AND NOT EXISTS (SELECT FROM staged s WHERE s.account_ref = a.account_ref)
""")

# Refusals first, at most 8 a row.
_KEEP_FAULTS = Statement("""
INSERT INTO batch_fault (member_id, batch_id, line, n, field, code, severity)
SELECT %(member)s, %(batch_id)s, line, n, field, code, severity
FROM (
    SELECT line, field, code, severity,
        row_number() OVER (PARTITION BY line ORDER BY severity = 'WARN', n, field) - 1 AS n
    FROM staged_fault
) AS ordered
WHERE n < 8 ORDER BY line, n
""")


class Staging:
    """Statements about what is staged, bound to one open transaction."""

    def __init__(self, connection: Connection[TupleRow]) -> None:
        self._connection = connection

    def reset(self) -> None:
        """Begin with nothing staged."""
        for command in _TABLES:
            self._connection.execute(command, prepare=False)

    def stage(self, parts: Iterable[Iterable[StagedRow]]) -> None:
        """Stage judged rows, each part as it is made: the server takes it in meanwhile."""
        with self._connection.cursor() as cursor, cursor.copy(COPY_STAGED) as copy:
            for part in packed(parts):
                copy.write(part)

    def add_faults(self, faults: Sequence[RowFault]) -> None:
        """Stage the faults of rows, which come in the order of their lines."""
        if not faults:
            return
        copy_rows(
            self._connection,
            _COPY_FAULTS,
            _FAULT_TYPES,
            (
                (line, n, fault.field, fault.code, fault.severity.value)
                for line, of_line in groupby(faults, key=lambda fault: fault.line)
                for n, fault in enumerate(of_line, 1)
            ),
        )

    def refuse_duplicates(self) -> None:
        """Refuse every row of an account that stands in more than one."""
        self._connection.execute(_SORT_MEMORY, prepare=False)
        if _NAMED_ONCE.run(self._connection, {}, prepare=False).fetchone() != (True,):
            self._write(_REFUSE_DUPLICATES, {"refuse": Action.REFUSE})

    def warn(self, fault: RowFault) -> None:
        """Stage a warning that only the whole file gives rise to."""
        parameters = {**fault._asdict(), "severity": fault.severity.value, **_ACTIONS}
        WARN.run(self._connection, parameters, prepare=False)

    def warn_crowded(self, member: str, live_max: int) -> None:
        """Warn of each account that is opened for a subject with more live ones than this."""
        parameters = {"member": member, "live_max": live_max, **_ACTIONS}
        WARN_CROWDED.run(self._connection, parameters, prepare=False)

    def counts(self) -> StagedCounts:
        """Count what became of the rows."""
        row = _COUNTS.run(self._connection, _ACTIONS, prepare=False).fetchone()
        return StagedCounts(*row) if row else StagedCounts(*[0] * 9)

    def grant_kinds(self, member: str, now: int) -> list[HeldGrant | None]:
        """Say what kinds of grants rows name; None: one not found."""
        self._connection.execute(_SORT_MEMORY, prepare=False)
        parameters = {"member": member, "now": now}
        found = GRANT_KINDS.run(self._connection, parameters, prepare=False)
        return [None if row[0] is None else held_grant(member, row) for row in found]

    def refuse_by_grants(
        self, judged: Mapping[HeldGrant | None, str | None], by: tuple[str, int], *, stranger: str
    ) -> None:
        """Refuse rows by the kind of their grants."""
        parameters = {
            "member": by[0],
            "now": by[1],
            **_ACTIONS,
            **columns_of(judged),
            "missing": judged[None],
            "stranger": stranger,
        }
        self._write(REFUSE_BY_GRANTS, parameters)

    def merge(self, terms: MergeTerms, counts: StagedCounts) -> bool:
        """Store what is staged, beside what it follows; False if an account has moved on."""
        parameters = {
            "member": terms.key.member,
            "batch_id": terms.key.batch_id,
            "sequence": terms.sequence,
            "submitted_at": terms.submitted_at,
            **_ACTIONS,
        }
        self._connection.execute(_SORT_MEMORY, prepare=False)
        # Most files have rows of one kind or two: no look through them for what none asks for.
        steps = {
            _LEAVE_ACCOUNTS: counts.left,
            _OPEN_ACCOUNTS: counts.opened,
            _CONTINUE_ACCOUNTS: counts.stored - counts.opened,
            _CONFIRM_ACCOUNTS: counts.unchanged,
        }
        try:
            for statement, rows in steps.items():
                if rows and self._write(statement, parameters) != rows:
                    return False
        except UniqueViolation:
            return False
        self._write(_KEEP_VERSIONS, parameters)
        return True

    def retire(self) -> None:
        """Let the stored versions be the current ones, and none before them."""
        self._write(_RETIRE, _ACTIONS)

    def keep_absent(self, key: BatchKey) -> int:
        """Keep the list of open accounts that the file does not mention; count them."""
        return self._write(_KEEP_ABSENT, {**key._asdict()})

    def keep_faults(self, key: BatchKey) -> None:
        """Keep the faults."""
        self._write(_KEEP_FAULTS, {**key._asdict()})

    def _write(self, statement: Statement, parameters: dict[str, object]) -> int:
        return statement.run(self._connection, parameters, prepare=False).rowcount


_ACTIONS: dict[str, object] = {
    "refuse": Action.REFUSE,
    "confirm": Action.CONFIRM,
    "store": Action.STORE,
}
