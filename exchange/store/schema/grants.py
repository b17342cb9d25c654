"""Grants: their rows at the gate, their artefacts, their history."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    Index,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
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
)

grant_artefact = Table(
    "grant_artefact",
    metadata,
    Column("grantee", Text, primary_key=True),
    Column("grant_id", Uuid, primary_key=True),
    blob("token_index"),  # the binding it was registered with
    blob("artefact"),  # the compact JWS, byte for byte
    blob("digest"),  # SHA-256 of it
    text("kid"),
    text("policy"),
    at("registered_at"),
    blob("leaf_hash"),
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
)
