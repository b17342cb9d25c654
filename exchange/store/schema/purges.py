"""What retention has taken away: tombstones, and the signed certificate of each run."""

from __future__ import annotations

from sqlalchemy import Column, Date, Index, Table, Text, Uuid

from exchange.store.schema.columns import at, blob, count, metadata, text

purge_run = Table(
    "purge_run",
    metadata,
    Column("run_id", Uuid, primary_key=True),
    Column("ran_on", Date, nullable=False),  # in the profile's time zone
    at("ran_at"),
    count("records"),
    count("versions"),
    blob("leaf_hash"),
    text("certificate"),  # compact JWS, typ cx-purge+jwt
)

# An account deleted for fraud is never reported again; all that is left to know it by is a MAC.
tombstone = Table(
    "tombstone",
    metadata,
    Column("record_id", Uuid, primary_key=True),
    Column("member_id", Text, nullable=False),
    blob("account_mac"),
    text("reason"),
    Column("day", Date, nullable=False),
    Index("tombstone_account", "member_id", "account_mac"),
)
