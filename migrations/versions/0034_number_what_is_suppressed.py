"""Number what is suppressed, for files that were judged before and are stored after.

Phase: pre. A table that older code does not know. A withdrawal that an old server takes is in no
number and waits for no file: a new worker that stores a row under that very grant in the same
moments does not hear of it. So restart the workers after the last API host; what slipped through
all the same `exchange verify-run` names (I6), and its member deletes that record.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
PHASE = "pre"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "suppression",
        sa.Column("grantee", sa.Text(), nullable=False),
        sa.Column("n", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("grantee", "n"),
    )
