"""Keep the consortium's reports.

Phase: pre. No code of the version before knows this table.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
PHASE = "pre"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "report",
        sa.Column("month", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("snapshot_at", sa.BigInteger(), nullable=False),
        sa.Column("records", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(), nullable=False),
        sa.Column("whole", sa.Text(), nullable=False),
        sa.Column("outward", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("month"),
    )
