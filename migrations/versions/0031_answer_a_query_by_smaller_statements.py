"""Answer a query by smaller statements, and keep its answer in one row.

Phase: pre. The functions stand beside those of the version before, until 0032 takes these away.
It can be run again wherever it stopped.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
PHASE = "pre"


def upgrade() -> None:
    """Apply."""
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS log_search_subject_t")  # half-built before
        op.create_index(
            "log_search_subject_t",
            "log_search",
            ["subject", "t"],
            postgresql_concurrently=True,
            postgresql_where=sa.text("subject <> ''"),
        )
    op.execute("ALTER TABLE query SET (toast_tuple_target = 8160)")
    op.drop_constraint("query_leaf_hash_fkey", "query", type_="foreignkey")
    cursor = op.get_bind().connection.cursor()
    cursor.execute(Path(__file__).with_suffix(".sql").read_bytes())
