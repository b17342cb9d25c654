"""Pass the gate with a batch of queries.

Phase: pre. Servers of the version before go on calling `pass_gate` for each query of a batch.
"""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0024"
down_revision = "0023"
PHASE = "pre"


def upgrade() -> None:
    """Apply."""
    cursor = op.get_bind().connection.cursor()
    cursor.execute(Path(__file__).with_suffix(".sql").read_bytes())
