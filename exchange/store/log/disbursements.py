"""Statements about disbursements."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from exchange.services.disbursements.ports import DisbursementRow, OpenedAccount, StoredDisbursement
from exchange.store.statement import Statement

_FIND = Statement("""
SELECT digest, receipt FROM disbursement
WHERE member_id = %(member)s AND disbursement_id = %(disbursement_id)s
""")

_ADD = Statement("""
INSERT INTO disbursement
    (member_id, disbursement_id, account_mac, digest, leaf_hash, received_at, receipt)
VALUES (%(member)s, %(disbursement_id)s, %(account_mac)s, %(digest)s, %(leaf_hash)s,
    %(received_at)s, %(receipt)s)
ON CONFLICT DO NOTHING
""")

_DISBURSED = Statement("""
SELECT account_mac FROM disbursement WHERE account_mac = ANY (%(macs)s)
""")

_SCAN = Statement("SELECT record_id FROM loan_scan FOR UPDATE")
_SCANNED = Statement("UPDATE loan_scan SET record_id = %(upto)s")
_OPENED = Statement("""
SELECT a.member_id, a.account_ref, m.enrolled_at, r.record_id, r.version, r.epoch, r.token_index,
    r.kek_id, r.wrapped, r.sealed, r.suppressed
FROM account a
JOIN member m USING (member_id)
JOIN record r ON r.token_index = a.token_index AND r.record_id = a.record_id
    AND r.version = a.version
WHERE a.record_id > %(after)s AND a.record_id < %(before)s
ORDER BY a.record_id LIMIT %(rows)s
""")


class Disbursements:
    """Statements about disbursements, bound to one open transaction."""

    def __init__(self, connection: Connection[TupleRow]) -> None:
        self._connection = connection

    def find(self, member: str, disbursement_id: UUID) -> StoredDisbursement | None:
        """Find what this member reported under an id."""
        asked = {"member": member, "disbursement_id": disbursement_id}
        row = _FIND.run(self._connection, asked).fetchone()
        return StoredDisbursement(*row) if row else None

    def add(self, member: str, row: DisbursementRow) -> bool:
        """Store one; say whether its id was free."""
        return _ADD.run(self._connection, {"member": member, **row._asdict()}).rowcount == 1

    def disbursed(self, account_macs: Sequence[bytes]) -> set[bytes]:
        """Say for which of these accounts a disbursement was reported."""
        found = _DISBURSED.run(self._connection, {"macs": list(account_macs)}, prepare=False)
        return {mac for (mac,) in found}

    def take_opened(self, before: UUID, rows: int) -> list[OpenedAccount]:
        """Take the accounts not taken yet, oldest first; one turn at a time."""
        (after,) = _SCAN.run(self._connection, {}).fetchone() or (UUID(int=0),)
        asked = {"after": after, "before": before, "rows": rows}
        taken = [OpenedAccount(*row) for row in _OPENED.run(self._connection, asked, prepare=False)]
        if taken:
            _SCANNED.run(self._connection, {"upto": taken[-1].record_id})
        return taken
