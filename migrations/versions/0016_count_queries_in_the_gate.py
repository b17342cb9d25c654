"""Count queries in the gate.

Phase: pre. The function gains parameters and a result; no table changes.
"""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0016"
down_revision = "0015"
PHASE = "pre"


def upgrade() -> None:
    """Apply."""
    op.execute("DROP FUNCTION open_gate")
    cursor = op.get_bind().connection.cursor()
    cursor.execute(Path(__file__).with_suffix(".sql").read_bytes())
