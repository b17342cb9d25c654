"""Drop the gate of larger statements, and the index that one of two columns took the place of.

Phase: post. No process of this version calls these functions.
"""

from __future__ import annotations

from alembic import op

revision = "0032"
down_revision = "0031"
PHASE = "post"


def upgrade() -> None:
    """Apply."""
    with op.get_context().autocommit_block():
        op.drop_index("log_search_subject", postgresql_concurrently=True, if_exists=True)
    op.execute("DROP FUNCTION spend_quota(text, bigint, uuid, bytea[], int, int, int, bigint)")
