"""Find accounts by their record.

Phase: pre. Nothing that older code reads or writes changes.
"""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"
PHASE = "pre"


def upgrade() -> None:
    """Apply."""
    with op.get_context().autocommit_block():
        op.create_index(
            "account_record",
            "account",
            ["record_id"],
            postgresql_concurrently=True,
            if_not_exists=True,
        )
