"""Key records by what rises with time.

A key that began with the token touched another page for every row that was stored. The new one
also finds records by their id, so the index that did is dropped.

Phase: pre. No statement of older code needs either index. It can be run again wherever it stopped.
"""

from __future__ import annotations

from alembic import op

revision = "0030"
down_revision = "0029"
PHASE = "pre"


def upgrade() -> None:
    """Apply."""
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS record_key")  # half-built by a run before
        op.execute(
            "CREATE UNIQUE INDEX CONCURRENTLY record_key "
            "ON record (record_id, version, token_index)"
        )
    op.execute(
        "ALTER TABLE record DROP CONSTRAINT record_pkey, "
        "ADD CONSTRAINT record_pkey PRIMARY KEY USING INDEX record_key"
    )
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS record_by_id")
