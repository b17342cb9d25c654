"""Statements about disbursements."""

from __future__ import annotations

from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from exchange.services.disbursements.ports import DisbursementRow, StoredDisbursement
from exchange.store.statement import Statement

_FIND = Statement("""
SELECT digest, receipt FROM disbursement
WHERE member_id = %(member)s AND disbursement_id = %(disbursement_id)s
""")

_ADD = Statement("""
INSERT INTO disbursement (member_id, disbursement_id, digest, leaf_hash, received_at, receipt)
VALUES (%(member)s, %(disbursement_id)s, %(digest)s, %(leaf_hash)s, %(received_at)s, %(receipt)s)
ON CONFLICT DO NOTHING
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
