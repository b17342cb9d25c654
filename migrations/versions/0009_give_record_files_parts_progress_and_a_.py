"""Give record files parts, progress and a queue.

Phase: pre. Only new tables, and columns with defaults that older code leaves alone.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
PHASE = "pre"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "batch_absent",
        sa.Column("member_id", sa.Text(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("account_ref", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("member_id", "batch_id", "account_ref"),
    )
    op.create_table(
        "batch_job",
        sa.Column("member_id", sa.Text(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("tries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("kek_id", sa.Text(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("member_id", "batch_id"),
    )
    op.create_index("batch_job_oldest", "batch_job", ["received_at"], unique=False)
    op.create_table(
        "batch_part",
        sa.Column("member_id", sa.Text(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("member_id", "batch_id", "start"),
    )
    for column in (
        sa.Column("rows_done", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("received_bytes", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("total_bytes", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("key_id", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("refusal", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("refusal_field", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("refusal_detail", sa.Text(), server_default=sa.text("''"), nullable=False),
    ):
        op.add_column("batch", column)
