"""Drop the gate of the version before.

Phase: post. No process of this version calls these forms of the functions.
"""

from __future__ import annotations

from alembic import op

revision = "0018"
down_revision = "0017"
PHASE = "post"


def upgrade() -> None:
    """Apply."""
    op.execute("""
        DROP FUNCTION open_gate(text, text, text, bigint, int, bigint, text, uuid[], bytea[],
            text[], int, int, int, int, bigint);
        DROP FUNCTION count_queries(text, bigint, uuid[], bytea[], text[], int, int, int, int,
            bigint);
        DROP FUNCTION pass_gate(text, bigint, int, uuid, bytea, bytea, bytea, bytea, uuid, text,
            boolean, int, boolean, boolean, text, text, text, bytea);
    """)
