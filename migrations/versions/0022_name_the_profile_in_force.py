"""Name the profile in force.

Phase: pre. A table that older code does not know.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
PHASE = "pre"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "profile_in_force",
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", "since"),
    )
