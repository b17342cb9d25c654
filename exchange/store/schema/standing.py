"""What members' contribution is worth: data quality by month, and the depth that it earns."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, SmallInteger, Table, Text

from exchange.store.schema.columns import at, metadata, text


def _part(name: str) -> Column[int]:
    """One part of the index, 0 to 100."""
    return Column(name, SmallInteger, nullable=False)


quality = Table(
    "quality",
    metadata,
    Column("member_id", Text, primary_key=True),
    Column("month", Integer, primary_key=True),  # 12 times the year, plus 0 to 11
    _part("timely"),
    _part("valid"),
    _part("complete"),
    _part("fresh"),
    _part("plausible"),
    _part("upheld"),
    _part("dqi"),
    text("quality"),
    text("contribution"),
    at("measured_at"),
)

reciprocity = Table(
    "reciprocity",
    metadata,
    Column("member_id", Text, primary_key=True),
    Column("effective_at", BigInteger, primary_key=True),  # unix seconds
    text("earned"),
    text("quality"),
    text("contribution"),
    at("announced_at"),
)
