"""Hold the log open while answers write, and let `after` name a checkpoint of any year.

Phase: pre. The code before it calls the function as it did.
"""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0014"
down_revision = "0013"
PHASE = "pre"


def upgrade() -> None:
    """Apply."""
    cursor = op.get_bind().connection.cursor()
    cursor.execute(Path(__file__).with_suffix(".sql").read_bytes())
