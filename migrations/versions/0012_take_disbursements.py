"""Take disbursements.

Phase: pre. A new table, which the code before it does not know.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
PHASE = "pre"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "disbursement",
        sa.Column("member_id", sa.Text(), nullable=False),
        sa.Column("disbursement_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("receipt", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("member_id", "disbursement_id"),
    )
