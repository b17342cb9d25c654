"""Bind grants to a token in each epoch and register notices.

Phase: pre. Code before it writes grants without a binding row; what stands is bound here.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
PHASE = "pre"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "grant_binding",
        sa.Column("grantee", sa.Text(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("epoch", sa.Text(), nullable=False),
        sa.Column("token_index", sa.LargeBinary(), nullable=False),
        sa.Column("bound_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("grantee", "grant_id", "epoch"),
    )
    op.create_index(
        "grant_binding_token", "grant_binding", ["token_index", "grantee"], unique=False
    )
    op.create_table(
        "grant_evidence",
        sa.Column("grantee", sa.Text(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("bundle", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("grantee", "sha256"),
    )
    _create_notices()
    op.add_column("grant_artefact", sa.Column("chain_id", sa.Uuid(), nullable=True))
    op.execute(
        "INSERT INTO grant_binding (grantee, grant_id, epoch, token_index, bound_at)"
        " SELECT a.grantee, a.grant_id, g.epoch, a.token_index, a.registered_at"
        " FROM grant_artefact a JOIN grants g USING (token_index, grantee, grant_id)"
    )


def _create_notices() -> None:
    op.create_table(
        "notice",
        sa.Column("notice_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("lang", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("jurisdiction", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("registered_at", sa.BigInteger(), nullable=False),
        sa.Column("retired_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("notice_id", "version", "lang"),
    )
    op.create_table(
        "notice_approval",
        sa.Column("notice_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("lang", sa.Text(), nullable=False),
        sa.Column("approver", sa.Text(), nullable=False),
        sa.Column("approved_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("notice_id", "version", "lang", "approver"),
    )
