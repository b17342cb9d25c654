"""Add seats at the console.

Phase: pre. No code of the version before knows these tables.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
PHASE = "pre"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "seat",
        sa.Column("member_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("link_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("link_until", sa.BigInteger(), nullable=False),
        sa.Column("enrolled_at", sa.BigInteger(), nullable=False),
        sa.Column("retired_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("member_id", "name"),
    )
    op.create_index("seat_link", "seat", ["link_sha256"], unique=True)
    op.create_table(
        "seat_key",
        sa.Column("credential_id", sa.LargeBinary(), nullable=False),
        sa.Column("link_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("credential_id"),
    )
    op.create_index("seat_key_link", "seat_key", ["link_sha256"], unique=True)
