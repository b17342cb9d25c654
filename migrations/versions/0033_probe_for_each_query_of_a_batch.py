"""Probe for each query of a batch, whatever the planner believes of the member's other queries.

A grant is changed by each use: its page keeps room for that, so that no index is touched.

Phase: pre. The function keeps its arguments and what it gives.
"""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0033"
down_revision = "0032"
PHASE = "pre"


def upgrade() -> None:
    """Apply."""
    cursor = op.get_bind().connection.cursor()
    cursor.execute(Path(__file__).with_suffix(".sql").read_bytes())
    op.execute("ALTER TABLE grants SET (fillfactor = 80)")
