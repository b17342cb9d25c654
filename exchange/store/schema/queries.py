"""Answers given, and the inquiries they leave behind."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, LargeBinary, PrimaryKeyConstraint, Table, Text, Uuid

from exchange.store.schema.columns import at, blob, metadata, text

query = Table(
    "query",
    metadata,
    Column("member_id", Text, primary_key=True),
    Column("query_id", Uuid, primary_key=True),
    blob("digest"),  # SHA-256 of the query's exact bytes
    # Deferred: the leaf and the answer commit together or not at all.
    Column(
        "leaf_hash",
        LargeBinary,
        ForeignKey("leaf.leaf_hash", deferrable=True, initially="DEFERRED"),
        nullable=False,
    ),
    text("key_id"),  # the opening key that seals the claims
    blob("sealed"),  # the receipt's claims
)

inquiry = Table(
    "inquiry",
    metadata,
    blob("token_index"),
    text("member_id"),
    Column("query_id", Uuid, nullable=False),
    at("asked_at"),
    PrimaryKeyConstraint("token_index", "asked_at", "query_id"),
)
