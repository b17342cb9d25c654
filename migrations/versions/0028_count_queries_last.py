"""Count queries last.

Phase: pre. The functions stand beside those of the version before, until 0029 takes these away.
"""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0028"
down_revision = "0027"
PHASE = "pre"


def upgrade() -> None:
    """Apply."""
    cursor = op.get_bind().connection.cursor()
    cursor.execute(Path(__file__).with_suffix(".sql").read_bytes())
