"""Find entries by their time.

Phase: pre. An index that older code does not need.
"""

from __future__ import annotations

from alembic import op

revision = "0025"
down_revision = "0024"
PHASE = "pre"


def upgrade() -> None:
    """Apply."""
    with op.get_context().autocommit_block():
        op.create_index(
            "log_search_t",
            "log_search",
            ["t"],
            postgresql_using="brin",
            postgresql_with={"pages_per_range": 16, "autosummarize": "on"},
            postgresql_concurrently=True,
            if_not_exists=True,
        )
