"""Watches: what members keep an eye on, and whom something happened to since it was looked at."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
)
from sqlalchemy import text as sql

from exchange.store.schema.columns import at, blob, count, metadata, text

watch = Table(
    "watch",
    metadata,
    Column("member_id", Text, primary_key=True),
    Column("watch_id", Uuid, primary_key=True),
    text("account_ref"),
    text("purpose"),
    Column("grant_id", Uuid, nullable=False),
    Column("kinds", ARRAY(Text), nullable=False),
    blob("digest"),  # SHA-256 of what was asked, for a repeated request
    at("made_at"),
    at("expires_at"),
    at("look_at"),  # when it is looked at next; 0: something happened
    at("ended_at", nullable=True),
    text("ended_cause", nullable=True),
    # Of the account as it was looked at last, primary first; `watch_token` finds a watch by them.
    Column("tokens", ARRAY(LargeBinary), nullable=False),
    # What the member was shown last, under a data key of its own; null once the watch has ended.
    text("kek_id", nullable=True),
    blob("wrapped", nullable=True),
    blob("sealed", nullable=True),
    Index("watch_due", "look_at", postgresql_where=sql("ended_at IS NULL")),
    Index("watch_ended", "ended_at", postgresql_where=sql("ended_at IS NOT NULL")),
)

# The identity tokens of live watches, as their accounts' records stand under them.
watch_token = Table(
    "watch_token",
    metadata,
    blob("token_index"),
    text("member_id"),
    Column("watch_id", Uuid, nullable=False),
    text("subject"),  # the log's pseudonym of this token
    PrimaryKeyConstraint("token_index", "member_id", "watch_id"),
    Index("watch_token_of", "member_id", "watch_id"),
    Index("watch_token_subject", "subject"),
)

# Tokens of watches under which a file stored something. Rows are only added and taken: whoever
# stores a file waits for nobody who looks.
watch_touch = Table(
    "watch_touch",
    metadata,
    blob("token_index"),
    Column("ord", BigInteger, Identity(cache=1), nullable=False),
    PrimaryKeyConstraint("token_index", "ord"),
)

# Up to where each log was read for what happened to watched subjects.
watch_reader = Table(
    "watch_reader",
    metadata,
    Column("log_id", Integer, primary_key=True, autoincrement=False),
    Column("next_index", BigInteger, nullable=False),
)

watch_count = Table(
    "watch_count",
    metadata,
    Column("member_id", Text, primary_key=True),
    count("live"),
)
