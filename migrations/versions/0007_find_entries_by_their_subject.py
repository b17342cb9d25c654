"""Find entries by their subject.

Phase: pre. An index alone: old code does not need it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
PHASE = "pre"


def upgrade() -> None:
    """Apply."""
    with op.get_context().autocommit_block():
        op.create_index(
            "log_search_subject",
            "log_search",
            ["subject"],
            postgresql_concurrently=True,
            if_not_exists=True,
            postgresql_where=sa.text("subject <> ''"),
        )
