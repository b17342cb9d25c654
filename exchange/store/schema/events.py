"""Events: what members are told, written where it happened and numbered when it is read."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Identity, Index, Table, Text, Uuid
from sqlalchemy import text as sql

from exchange.store.schema.columns import at, blob, metadata, text

event = Table(
    "event",
    metadata,
    Column("event_id", Uuid, primary_key=True),
    text("member_id"),
    # Drawn in the INSERT, after all row locks: it keeps the order of two locked transactions.
    Column("ord", BigInteger, Identity(cache=1), nullable=False),
    # The member's own count, given to what has committed: nothing ever appears below it.
    Column("seq", BigInteger, nullable=True),
    text("kind"),
    Column("about", Uuid, nullable=True),  # the grant, watch or webhook
    text("facts"),  # JSON, with nothing of a borrower in it
    at("made_at"),
    text("key_id", nullable=True),  # the opening key that seals the bands
    blob("sealed", nullable=True),
    text("once", nullable=True),  # what may be told but once
    Index("event_unnumbered", "member_id", "ord", postgresql_where=sql("seq IS NULL")),
    Index("event_by_seq", "member_id", "seq", unique=True, postgresql_where=sql("seq IS NOT NULL")),
    Index(
        "event_of_grants",
        "member_id",
        "seq",
        postgresql_where=sql("seq IS NOT NULL AND left(kind, 6) = 'GRANT_'"),
    ),
    Index("event_once", "once", unique=True, postgresql_where=sql("once IS NOT NULL")),
    Index("event_made_at", "made_at"),
)

feed = Table(
    "feed",
    metadata,
    Column("member_id", Text, primary_key=True),
    Column("last_seq", BigInteger, nullable=False),
)
