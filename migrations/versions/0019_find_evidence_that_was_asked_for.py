"""Find evidence that was asked for.

Phase: pre. The version before never writes these events.
"""

from __future__ import annotations

from alembic import op

revision = "0019"
down_revision = "0018"
PHASE = "pre"


def upgrade() -> None:
    """Apply."""
    with op.get_context().autocommit_block():
        op.create_index(
            "grant_event_asked",
            "grant_event",
            ["effective_at"],
            postgresql_where="event = 'ask_evidence'",
            postgresql_concurrently=True,
            if_not_exists=True,
        )
