"""Know loans by their account, and up to where accounts were looked at for loans.

Phase: pre. A column that older code leaves empty, its index, and a table that it does not know.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
PHASE = "pre"


def upgrade() -> None:
    """Apply."""
    op.add_column(
        "disbursement",
        sa.Column("account_mac", sa.LargeBinary(), nullable=True),
        if_not_exists=True,
    )
    op.create_table(
        "loan_scan", sa.Column("record_id", sa.Uuid(), primary_key=True), if_not_exists=True
    )
    op.execute(
        "INSERT INTO loan_scan SELECT '00000000-0000-0000-0000-000000000000'"
        " WHERE NOT EXISTS (SELECT 1 FROM loan_scan)"
    )
    with op.get_context().autocommit_block():
        op.create_index(
            "disbursement_account",
            "disbursement",
            ["account_mac"],
            postgresql_concurrently=True,
            if_not_exists=True,
        )
