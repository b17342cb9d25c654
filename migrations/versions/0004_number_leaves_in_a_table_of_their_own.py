"""Give indices a table of their own, so that leaves are written once and never changed.

Also: what witnesses say, what is shown, who may fetch tiles, and what is written once a day.
Phase: post. The code before it would look for the index in its old column: stop that code first.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
PHASE = "post"


def upgrade() -> None:
    """Apply."""
    _add_witnesses()
    _add_access()
    _move_indices()


def _add_witnesses() -> None:
    op.create_table(
        "cosignature",
        sa.Column("log_id", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("witness", sa.Text(), nullable=False),
        sa.Column("signed_at", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("log_id", "size", "witness", "signed_at"),
    )
    op.create_table(
        "published",
        sa.Column("log_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("quorum_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("log_id"),
    )


def _add_access() -> None:
    op.create_table(
        "log_access",
        sa.Column("capability_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("member_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("capability_sha256"),
    )
    op.create_table(
        "log_day",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("member_id", sa.Text(), nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "day", "member_id"),
    )


def _move_indices() -> None:
    op.create_table(
        "leaf_place",
        sa.Column("log_id", sa.Integer(), nullable=False),
        sa.Column("leaf_index", sa.BigInteger(), nullable=False),
        sa.Column("ord", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("log_id", "leaf_index"),
    )
    op.create_index("leaf_place_by_ord", "leaf_place", ["ord"], unique=True)
    op.execute(
        "INSERT INTO leaf_place (log_id, leaf_index, ord) "
        "SELECT log_id, leaf_index, ord FROM leaf WHERE leaf_index IS NOT NULL"
    )
    op.drop_index(
        op.f("leaf_by_index"), table_name="leaf", postgresql_where="(leaf_index IS NOT NULL)"
    )
    op.drop_index(
        op.f("leaf_unsequenced"), table_name="leaf", postgresql_where="(leaf_index IS NULL)"
    )
    with op.get_context().autocommit_block():
        op.create_index("leaf_by_ord", "leaf", ["ord"], unique=True, postgresql_concurrently=True)
    op.drop_column("leaf", "leaf_index")
    op.add_column(
        "log_state",
        sa.Column("floor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
    )
    op.add_column(
        "log_state",
        sa.Column("ceiling", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
    )
    op.add_column(
        "log_state",
        sa.Column("writers", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    )
