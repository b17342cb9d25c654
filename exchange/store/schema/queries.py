"""Answers given, and the inquiries they leave behind."""

from __future__ import annotations

from sqlalchemy import DDL, Column, PrimaryKeyConstraint, Table, Text, Uuid, event

from exchange.store.schema.columns import at, blob, metadata, text

query = Table(
    "query",
    metadata,
    Column("member_id", Text, primary_key=True),
    Column("query_id", Uuid, primary_key=True),
    blob("digest"),  # SHA-256 of the query's exact bytes
    blob("leaf_hash"),  # written by the same statement; `verify-run` holds the two together
    text("key_id"),  # the opening key that seals the claims
    blob("sealed"),  # the receipt's claims
)

# Claims are sealed, so that nothing of them can be packed, and a little too long for a row's usual
# measure: put aside, each was three rows and two more entries of an index.
_IN_THE_ROW = "ALTER TABLE query SET (toast_tuple_target = 8160)"
event.listen(query, "after_create", DDL(_IN_THE_ROW))  # type: ignore[no-untyped-call]  # it has none

inquiry = Table(
    "inquiry",
    metadata,
    blob("token_index"),
    text("member_id"),
    Column("query_id", Uuid, nullable=False),
    at("asked_at"),
    PrimaryKeyConstraint("token_index", "asked_at", "query_id"),
)
