"""Drop the gate that counted first.

Phase: post. No process of this version calls these functions.
"""

from __future__ import annotations

from alembic import op

revision = "0029"
down_revision = "0028"
PHASE = "post"


def upgrade() -> None:
    """Apply."""
    op.execute("""
        DROP FUNCTION open_gate(text, text[], text[], bigint, int, bigint[], text[], uuid[],
            bytea[], int, int, int, bigint);
        DROP FUNCTION count_queries(text, bigint, uuid[], bytea[], int, int, int, bigint);
    """)
