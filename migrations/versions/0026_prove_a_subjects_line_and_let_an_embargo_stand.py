"""Prove a subject's line of the index, let an embargo stand, count what was erased.

Phase: pre. A table that older code does not know, and columns that it need not fill.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
PHASE = "pre"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "index_part",
        sa.Column("log_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("first_subject", sa.Text(), nullable=False),
        sa.Column("lines", sa.LargeBinary(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("log_id", "day", "n"),
    )
    op.add_column("subject_opening", sa.Column("embargo_until", sa.BigInteger(), nullable=True))
    op.add_column(
        "subject_counter",
        sa.Column("erased", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
    )
