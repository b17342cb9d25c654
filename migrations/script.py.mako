"""${message}.

Phase: say why it may run before the deployment (`pre`), or must wait until after it (`post`).
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
PHASE = "pre"


def upgrade() -> None:
    """Apply."""
    ${upgrades if upgrades else "pass"}
