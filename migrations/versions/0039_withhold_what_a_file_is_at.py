"""Withhold records from looks whose consent ends while a file is writing to their versions.

Phase: pre. A table that older code does not know, empty but for moments; the functions keep their
arguments and what they give. A withdrawal that an old server takes waits for a row that a new
worker's file has written to, and may be told 503: it is sent again.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
PHASE = "pre"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "withheld",
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("record_id"),
    )
    cursor = op.get_bind().connection.cursor()
    cursor.execute(Path(__file__).with_suffix(".sql").read_bytes())
