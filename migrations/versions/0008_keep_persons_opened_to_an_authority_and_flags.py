"""Keep persons opened to an authority, and flags.

Phase: pre. Tables that the version before does not know.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
PHASE = "pre"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "flag",
        sa.Column("log_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("member_id", sa.Text(), nullable=False),
        sa.Column("from_t", sa.BigInteger(), nullable=False),
        sa.Column("to_t", sa.BigInteger(), nullable=False),
        sa.Column("hits", sa.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(), nullable=False),
        sa.Column("raised_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("log_id", "digest"),
    )
    op.create_table(
        "subject_opening",
        sa.Column("opening_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("subjects", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("case_ref", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("released_by", sa.Text(), nullable=True),
        sa.Column("released_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("opening_id"),
    )
    op.create_index("subject_opening_by_member", "subject_opening", ["member_id"], unique=False)
