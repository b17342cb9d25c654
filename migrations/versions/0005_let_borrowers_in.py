"""Let borrowers in.

Phase: pre. New tables alone: old code does not know them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
PHASE = "pre"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "grant_cosignature",
        sa.Column("grantee", sa.Text(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("credential_id", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("client_data", sa.LargeBinary(), nullable=False),
        sa.Column("authenticator_data", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("signed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("grantee", "grant_id"),
    )
    op.create_table(
        "grant_link",
        sa.Column("grantee", sa.Text(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("secret_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("grantee", "grant_id"),
    )
    op.create_index("grant_link_secret", "grant_link", ["secret_sha256"], unique=True)
    op.create_table(
        "page_session",
        sa.Column("session_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("opened_with", sa.LargeBinary(), nullable=False),
        sa.Column("credential_id", sa.LargeBinary(), nullable=True),
        sa.Column("grantee", sa.Text(), nullable=True),
        sa.Column("grant_id", sa.Uuid(), nullable=True),
        sa.Column("agent_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("session_sha256"),
    )
    op.create_index("page_session_opened", "page_session", ["opened_with"], unique=True)
    op.create_index("page_session_started", "page_session", ["started_at"], unique=False)
    op.create_table(
        "passkey",
        sa.Column("credential_id", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("credential_id"),
    )
    op.create_table(
        "passkey_voucher",
        sa.Column("token_index", sa.LargeBinary(), nullable=False),
        sa.Column("credential_id", sa.LargeBinary(), nullable=False),
        sa.Column("voucher", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Text(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=True),
        sa.Column("vouched_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("token_index", "credential_id", "voucher"),
    )
    op.create_index("passkey_voucher_key", "passkey_voucher", ["credential_id"], unique=False)
