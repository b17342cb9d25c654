"""The consortium's reports, one a month, each in its two signed documents."""

from __future__ import annotations

from sqlalchemy import Column, Integer, Table, Uuid

from exchange.store.schema.columns import at, blob, count, metadata, text

report = Table(
    "report",
    metadata,
    # 12 times the year, plus 0 to 11: of the day on which it was made
    Column("month", Integer, primary_key=True, autoincrement=False),
    Column("report_id", Uuid, nullable=False),
    at("snapshot_at"),
    count("records"),  # versions that were opened
    blob("leaf_hash"),
    text("whole"),  # compact JWS, typ cx-report+jwt: the regulator's
    text("outward"),  # the members'
)
