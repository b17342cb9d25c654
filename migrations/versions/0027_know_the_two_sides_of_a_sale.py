"""Know the two sides of a sale.

Phase: pre. A table that older code does not know.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
PHASE = "pre"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "transfer",
        sa.Column("transfer_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("sold_record", sa.Uuid(), nullable=True),
        sa.Column("sold_version", sa.Integer(), nullable=True),
        sa.Column("bought_record", sa.Uuid(), nullable=True),
        sa.Column("bought_version", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("transfer_id"),
    )
    op.create_index("transfer_sold", "transfer", ["sold_record"], unique=False)
    op.create_index("transfer_bought", "transfer", ["bought_record"], unique=False)
