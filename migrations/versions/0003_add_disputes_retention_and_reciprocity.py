"""Add disputes, statements, retention and what contribution earns.

Phase: pre. The gate's functions answer with more columns; no version that expects fewer was ever
released.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
PHASE = "pre"


def upgrade() -> None:
    """Apply."""
    _disputes()
    _sayings()
    _retention()
    _standing()
    # What a function returns cannot be replaced.
    op.execute("DROP FUNCTION open_gate, pass_gate")
    cursor = op.get_bind().connection.cursor()
    cursor.execute(Path(__file__).with_suffix(".sql").read_bytes())
    with op.get_context().autocommit_block():
        op.create_index(
            "record_purge",
            "record",
            ["purge_on"],
            postgresql_concurrently=True,
            if_not_exists=True,
            postgresql_where=sa.text("purge_on IS NOT NULL AND current"),
        )
        op.create_index(
            "record_suppressed",
            "record",
            ["record_id"],
            postgresql_concurrently=True,
            if_not_exists=True,
            postgresql_where=sa.text("suppressed AND current"),
        )


def _disputes() -> None:
    op.create_table(
        "dispute",
        sa.Column("dispute_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("account_ref", sa.Text(), nullable=False),
        sa.Column("token_index", sa.LargeBinary(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("extended", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("days_late", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("reopened", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("kek_id", sa.Text(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("dispute_id"),
    )
    op.create_index("dispute_by_member", "dispute", ["member_id", "dispute_id"], unique=False)
    op.create_index("dispute_by_subject", "dispute", ["token_index", "dispute_id"], unique=False)
    op.create_index(
        "dispute_running",
        "dispute",
        ["record_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('OPEN', 'ANSWERED')"),
    )
    op.create_index(
        "dispute_unanswered",
        "dispute",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("state = 'OPEN'"),
    )


def _sayings() -> None:
    op.create_table(
        "dispute_event",
        sa.Column("dispute_id", sa.Uuid(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("happened_at", sa.BigInteger(), nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("dispute_id", "n"),
    )
    op.create_table(
        "dispute_mark",
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("record_id"),
    )
    op.create_table(
        "statement",
        sa.Column("token_index", sa.LargeBinary(), nullable=False),
        sa.Column("statement_id", sa.Uuid(), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=True),
        sa.Column("about_member", sa.Text(), nullable=True),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(), nullable=False),
        sa.Column("kek_id", sa.Text(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("token_index", "statement_id"),
    )


def _retention() -> None:
    op.create_table(
        "purge_run",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("ran_on", sa.Date(), nullable=False),
        sa.Column("ran_at", sa.BigInteger(), nullable=False),
        sa.Column("records", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("versions", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(), nullable=False),
        sa.Column("certificate", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("run_id"),
    )
    op.create_table(
        "tombstone",
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Text(), nullable=False),
        sa.Column("account_mac", sa.LargeBinary(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("record_id"),
    )
    op.create_index("tombstone_account", "tombstone", ["member_id", "account_mac"], unique=False)


def _standing() -> None:
    op.create_table(
        "quality",
        sa.Column("member_id", sa.Text(), nullable=False),
        sa.Column("month", sa.Integer(), nullable=False),
        sa.Column("timely", sa.SmallInteger(), nullable=False),
        sa.Column("valid", sa.SmallInteger(), nullable=False),
        sa.Column("complete", sa.SmallInteger(), nullable=False),
        sa.Column("fresh", sa.SmallInteger(), nullable=False),
        sa.Column("plausible", sa.SmallInteger(), nullable=False),
        sa.Column("upheld", sa.SmallInteger(), nullable=False),
        sa.Column("dqi", sa.SmallInteger(), nullable=False),
        sa.Column("quality", sa.Text(), nullable=False),
        sa.Column("contribution", sa.Text(), nullable=False),
        sa.Column("measured_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("member_id", "month"),
    )
    op.create_table(
        "reciprocity",
        sa.Column("member_id", sa.Text(), nullable=False),
        sa.Column("effective_at", sa.BigInteger(), nullable=False),
        sa.Column("earned", sa.Text(), nullable=False),
        sa.Column("quality", sa.Text(), nullable=False),
        sa.Column("contribution", sa.Text(), nullable=False),
        sa.Column("announced_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("member_id", "effective_at"),
    )
