"""Add watches.

Phase: pre. No code of the version before knows these tables.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
PHASE = "pre"


def upgrade() -> None:
    """Apply."""
    _add_watch()
    _add_what_finds_it()


def _add_watch() -> None:
    op.create_table(
        "watch",
        sa.Column("member_id", sa.Text(), nullable=False),
        sa.Column("watch_id", sa.Uuid(), nullable=False),
        sa.Column("account_ref", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("kinds", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("look_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_cause", sa.Text(), nullable=True),
        sa.Column("tokens", sa.ARRAY(sa.LargeBinary()), nullable=False),
        sa.Column("kek_id", sa.Text(), nullable=True),
        sa.Column("wrapped", sa.LargeBinary(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("member_id", "watch_id"),
    )
    op.create_index(
        "watch_due",
        "watch",
        ["look_at"],
        unique=False,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(
        "watch_ended",
        "watch",
        ["ended_at"],
        unique=False,
        postgresql_where=sa.text("ended_at IS NOT NULL"),
    )


def _add_what_finds_it() -> None:
    op.create_table(
        "watch_count",
        sa.Column("member_id", sa.Text(), nullable=False),
        sa.Column("live", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("member_id"),
    )
    op.create_table(
        "watch_reader",
        sa.Column("log_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("next_index", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("log_id"),
    )
    op.create_table(
        "watch_token",
        sa.Column("token_index", sa.LargeBinary(), nullable=False),
        sa.Column("member_id", sa.Text(), nullable=False),
        sa.Column("watch_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("token_index", "member_id", "watch_id"),
    )
    op.create_index("watch_token_of", "watch_token", ["member_id", "watch_id"], unique=False)
    op.create_index("watch_token_subject", "watch_token", ["subject"], unique=False)
    op.create_table(
        "watch_touch",
        sa.Column("token_index", sa.LargeBinary(), nullable=False),
        sa.Column("ord", sa.BigInteger(), sa.Identity(always=False, cache=1), nullable=False),
        sa.PrimaryKeyConstraint("token_index", "ord"),
    )
