"""Grants: their rows at the gate, their artefacts, their history."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    DDL,
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    event,
)
from sqlalchemy import text as sql

from exchange.store.schema.columns import at, blob, count, flag, metadata, text

grants = Table(
    "grants",
    metadata,
    blob("token_index"),
    text("grantee"),
    Column("grant_id", Uuid, nullable=False),
    text("epoch"),
    text("purpose"),
    text("state"),
    Column("level", SmallInteger, nullable=False),
    flag("cross_border", default=False),
    at("not_before"),
    at("expires"),
    count("uses"),
    count("max_uses", nullable=True, default=None),
    Column("window_start", BigInteger, nullable=False, server_default=sql("0")),
    count("window_uses"),
    count("window_max", nullable=True, default=None),
    count("window_seconds"),
    text("detail"),
    Column("fields", ARRAY(Text), nullable=False),
    Column("lookback_months", SmallInteger, nullable=False),
    PrimaryKeyConstraint("token_index", "grantee", "grant_id"),
    # Those whose end is told of beforehand; a use changes none of these columns.
    Index(
        "grants_expiring",
        "expires",
        postgresql_where=sql("max_uses IS DISTINCT FROM 1 AND state IN ('ACTIVE', 'PAUSED')"),
    ),
)

# Each use changes the row and none of its indexed columns: while its page has room, no index is
# touched either.
_ROOM = "ALTER TABLE grants SET (fillfactor = 80)"
event.listen(grants, "after_create", DDL(_ROOM))  # type: ignore[no-untyped-call]  # it has none

grant_artefact = Table(
    "grant_artefact",
    metadata,
    Column("grantee", Text, primary_key=True),
    Column("grant_id", Uuid, primary_key=True),
    blob("token_index"),  # the binding in force, where its row of `grants` stands
    blob("artefact"),  # the compact JWS, byte for byte
    blob("digest"),  # SHA-256 of it
    text("kid"),
    text("policy"),
    at("registered_at"),
    blob("leaf_hash"),
    # The first grant of a chain of renewals; null: this one.
    Column("chain_id", Uuid, nullable=True),
)

# One token a grant and epoch, written once.
grant_binding = Table(
    "grant_binding",
    metadata,
    Column("grantee", Text, primary_key=True),
    Column("grant_id", Uuid, primary_key=True),
    Column("epoch", Text, primary_key=True),
    blob("token_index"),
    at("bound_at"),
    Index("grant_binding_token", "token_index", "grantee"),
)

# The hash of what a member keeps as evidence, and the first grant that named it.
grant_evidence = Table(
    "grant_evidence",
    metadata,
    Column("grantee", Text, primary_key=True),
    Column("sha256", LargeBinary, primary_key=True),
    Column("grant_id", Uuid, nullable=False),
    text("bundle"),  # "": it may not be named again
)

# Each time that the records of a grant's chain were taken out of every answer, numbered in the
# order of their commits. A file that was judged before finds here what it must do to its own rows.
suppression = Table(
    "suppression",
    metadata,
    Column("grantee", Text, primary_key=True),
    Column("n", Integer, primary_key=True, autoincrement=False),  # 1, 2, 3 … of this grantee
    Column("grant_id", Uuid, nullable=False),
)

grant_event = Table(
    "grant_event",
    metadata,
    Column("event_id", Uuid, primary_key=True),
    text("grantee"),
    Column("grant_id", Uuid, nullable=False),
    text("event"),
    text("actor"),
    text("state"),
    text("reason"),
    at("acted_at"),
    at("effective_at"),
    blob("leaf_hash"),
    Index("grant_event_grant", "grantee", "grant_id", "event_id"),
    Index("grant_event_asked", "effective_at", postgresql_where=sql("event = 'ask_evidence'")),
)
