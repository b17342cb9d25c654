"""Publish the status of grants.

Phase: pre. Older code gives its grants no place in the lists; they show none.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
PHASE = "pre"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "grant_status",
        sa.Column("list_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("idx", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("grantee", sa.Text(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("list_id", "idx"),
    )
    op.create_index("grant_status_of", "grant_status", ["grantee", "grant_id"], unique=True)
    op.create_table(
        "status_list",
        sa.Column("list_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("published_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("list_id"),
    )
    with op.get_context().autocommit_block():
        op.create_index(
            "grants_expiring",
            "grants",
            ["expires"],
            postgresql_concurrently=True,
            if_not_exists=True,
            postgresql_where=sa.text(
                "max_uses IS DISTINCT FROM 1 AND state IN ('ACTIVE', 'PAUSED')"
            ),
        )
