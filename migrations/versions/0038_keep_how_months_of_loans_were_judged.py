"""Keep how months of loans were judged.

Phase: pre. No code of the version before knows this table.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
PHASE = "pre"


def upgrade() -> None:
    """Apply."""
    counts = ("in_time", "stale", "late", "never", "unwitnessed")
    op.create_table(
        "lend_first_month",
        sa.Column("log_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("member_id", sa.Text(), nullable=False),
        sa.Column("month", sa.Text(), nullable=False),
        *(
            sa.Column(name, sa.Integer(), server_default=sa.text("0"), nullable=False)
            for name in counts
        ),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("judged_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("log_id", "member_id", "month"),
    )
