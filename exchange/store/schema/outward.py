"""What members are told: events, numbered when they are read; where members are rung at, and what
became of each ring.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Identity, Index, Integer, Table, Text, Uuid
from sqlalchemy import text as sql

from exchange.store.schema.columns import at, blob, count, metadata, text

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

webhook = Table(
    "webhook",
    metadata,
    Column("webhook_id", Uuid, primary_key=True),
    text("member_id"),
    text("url"),
    at("made_at"),
    Column("seq_done", BigInteger, nullable=False),  # events up to here have their deliveries
    at("disabled_at", nullable=True),
    text("disabled_cause", nullable=True),
    count("unauthorised_in_row"),
    Index("webhook_member", "member_id", "webhook_id"),
)

webhook_secret = Table(
    "webhook_secret",
    metadata,
    Column("webhook_id", Uuid, primary_key=True),
    Column("secret_id", Uuid, primary_key=True),
    at("made_at"),
    text("kek_id"),
    blob("wrapped"),  # the data key of this secret, wrapped by the KEK
    blob("sealed"),
)

webhook_delivery = Table(
    "webhook_delivery",
    metadata,
    Column("webhook_id", Uuid, primary_key=True),
    Column("event_id", Uuid, primary_key=True),
    Column("seq", BigInteger, nullable=False),  # the event's, for the order of the list
    text("state"),
    count("tries"),
    at("next_at"),
    # Whoever delivers holds the row until then; a deliverer that died is succeeded.
    at("leased_until"),
    Column("lease", Uuid, nullable=True),
    at("last_at", nullable=True),
    Column("last_status", Integer, nullable=True),
    text("last_fault", nullable=True),
    Index(
        "webhook_delivery_due",
        "webhook_id",
        "next_at",
        postgresql_where=sql("state = 'WAITING'"),
    ),
    Index("webhook_delivery_order", "webhook_id", "seq"),
)

status_list = Table(
    "status_list",
    metadata,
    Column("list_id", Integer, primary_key=True, autoincrement=False),
    text("token"),  # the signed list; "" before it is first published
    at("published_at"),
)

grant_status = Table(
    "grant_status",
    metadata,
    Column("list_id", Integer, primary_key=True, autoincrement=False),
    Column("idx", Integer, primary_key=True, autoincrement=False),
    text("grantee"),
    Column("grant_id", Uuid, nullable=False),
    Index("grant_status_of", "grantee", "grant_id", unique=True),
)
