"""Tell members what happens, in an order of their own.

Phase: pre. Older code does not know the tables; what it did to grants is told here.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
PHASE = "pre"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "event",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Text(), nullable=False),
        sa.Column("ord", sa.BigInteger(), sa.Identity(always=False, cache=1), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("about", sa.Uuid(), nullable=True),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("once", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("event_id"),
    )
    op.create_index(
        "event_by_seq",
        "event",
        ["member_id", "seq"],
        unique=True,
        postgresql_where=sa.text("seq IS NOT NULL"),
    )
    op.create_index("event_made_at", "event", ["made_at"], unique=False)
    op.create_index(
        "event_of_grants",
        "event",
        ["member_id", "seq"],
        unique=False,
        postgresql_where=sa.text("seq IS NOT NULL AND left(kind, 6) = 'GRANT_'"),
    )
    op.create_index(
        "event_once", "event", ["once"], unique=True, postgresql_where=sa.text("once IS NOT NULL")
    )
    op.create_index(
        "event_unnumbered",
        "event",
        ["member_id", "ord"],
        unique=False,
        postgresql_where=sa.text("seq IS NULL"),
    )
    op.create_table(
        "feed",
        sa.Column("member_id", sa.Text(), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("member_id"),
    )
    _tell_what_was()


def _tell_what_was() -> None:
    # What became of grants before there were feeds; see services/events/tell_events.py.
    op.execute(
        "INSERT INTO event (event_id, member_id, kind, about, facts, made_at)"
        " SELECT event_id, grantee, CASE event"
        "   WHEN 'accept' THEN 'GRANT_ACCEPTED' WHEN 'refuse' THEN 'GRANT_REJECTED'"
        "   WHEN 'pause' THEN 'GRANT_PAUSED' WHEN 'resume' THEN 'GRANT_RESUMED'"
        "   WHEN 'withdraw' THEN 'GRANT_WITHDRAWN' WHEN 'revoke' THEN 'GRANT_REVOKED'"
        "   ELSE 'GRANT_INVALIDATED' END,"
        " grant_id, json_build_object("
        "   'acted_at', acted_at, 'actor', actor, 'effective_at', effective_at,"
        "   'grant_id', 'gnt_' || replace(grant_id::text, '-', ''),"
        "   'leaf', rtrim(translate(encode(leaf_hash, 'base64'), '+/', '-_'), '='),"
        "   'reason', reason, 'state', state)::text, effective_at"
        " FROM grant_event WHERE event IN ('accept', 'refuse', 'pause', 'resume', 'withdraw',"
        "   'revoke', 'invalidate') ORDER BY event_id"
    )
