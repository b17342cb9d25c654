"""Disputes, what was said in them, and the statements of borrowers."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
)
from sqlalchemy import text as sql

from exchange.store.schema.columns import at, blob, count, flag, metadata, text

dispute = Table(
    "dispute",
    metadata,
    Column("dispute_id", Uuid, primary_key=True),
    text("member_id"),  # whose record it is: who must answer
    Column("record_id", Uuid, nullable=False),
    text("account_ref"),
    blob("token_index"),  # of the subject, as the dispute was opened
    text("cause"),
    text("opened_by"),  # SUBJECT, OPERATOR, or the member's id
    at("opened_at"),
    Column("due_on", Date, nullable=False),  # last day to answer
    at("due_at"),  # first second after that day
    flag("extended", default=False),
    text("state"),
    text("result", nullable=True),
    at("answered_at", nullable=True),
    at("closed_at", nullable=True),
    count("days_late"),
    count("reopened"),
    blob("digest"),  # SHA-256 of what was asked, for a repeated request
    text("kek_id"),
    blob("wrapped"),  # the data key of all that was said in it
    Index("dispute_by_member", "member_id", "dispute_id"),
    Index("dispute_by_subject", "token_index", "dispute_id"),
    Index(
        "dispute_running",
        "record_id",
        unique=True,
        postgresql_where=sql("state IN ('OPEN', 'ANSWERED')"),
    ),
    Index("dispute_unanswered", "due_at", postgresql_where=sql("state = 'OPEN'")),
)

dispute_event = Table(
    "dispute_event",
    metadata,
    Column("dispute_id", Uuid, primary_key=True),
    Column("n", Integer, primary_key=True),  # 1, 2, 3 …: events append
    text("event"),
    text("actor"),
    text("result", nullable=True),
    at("happened_at"),
    blob("leaf_hash"),
    blob("sealed"),  # what was said, under the dispute's data key
)

# Small, and joined by every look-up: a reference table once records are distributed. It stands
# apart from the versions of records so that no upload can carry an older word over it.
dispute_mark = Table(
    "dispute_mark",
    metadata,
    Column("record_id", Uuid, primary_key=True),
    Column("due_at", BigInteger, nullable=True),  # from when an open answer is overdue
)

statement = Table(
    "statement",
    metadata,
    blob("token_index"),
    Column("statement_id", Uuid, nullable=False),
    Column("record_id", Uuid, nullable=True),  # what it speaks of; null: the subject as a whole
    Column("about_member", Text, nullable=True),  # whose record that is
    at("made_at"),
    at("ended_at", nullable=True),
    blob("digest"),
    blob("leaf_hash"),
    text("kek_id"),
    blob("wrapped"),
    blob("sealed"),
    PrimaryKeyConstraint("token_index", "statement_id"),
)
