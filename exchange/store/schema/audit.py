"""What the audit keeps beside the log: persons opened to an authority, and flags raised."""

from __future__ import annotations

from sqlalchemy import ARRAY, BigInteger, Column, Index, Integer, LargeBinary, Table, Text, Uuid

from exchange.store.schema.columns import at, blob, count, metadata, text

subject_opening = Table(
    "subject_opening",
    metadata,
    Column("opening_id", Uuid, primary_key=True),
    text("member_id"),  # the authority
    blob("digest"),  # SHA-256 of what was asked
    Column("subjects", ARRAY(Text), nullable=False),  # pseudonyms
    text("case_ref"),
    text("asked_by"),  # key
    at("asked_at"),
    text("released_by", nullable=True),
    at("released_at", nullable=True),
    at("embargo_until", nullable=True),  # until then the person does not read of it
    Index("subject_opening_by_member", "member_id"),
)

flag = Table(
    "flag",
    metadata,
    Column("log_id", Integer, primary_key=True),
    Column("digest", LargeBinary, primary_key=True),  # SHA-256 of what it says
    text("rule"),
    text("member_id"),
    at("from_t"),
    at("to_t"),
    Column("hits", ARRAY(BigInteger), nullable=False),  # indices of the leaves that show it
    blob("leaf_hash"),  # of the flag's own leaf
    at("raised_at"),
)

# What a member's loans of a month came to, when the log was last judged as a whole: the evidence
# is judged anew whenever it is asked for.
lend_first_month = Table(
    "lend_first_month",
    metadata,
    Column("log_id", Integer, primary_key=True),
    Column("member_id", Text, primary_key=True),
    Column("month", Text, primary_key=True),  # such as 2026-11
    count("in_time"),
    count("stale"),
    count("late"),
    count("never"),
    count("unwitnessed"),
    Column("size", BigInteger, nullable=False),  # of the log that was judged
    at("judged_at"),
)
