"""The access log: leaves, openings, tiles, checkpoints."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy import text as sql

from exchange.store.schema.columns import at, blob, metadata, text

log = Table(
    "log",
    metadata,
    Column("log_id", Integer, Identity(), primary_key=True),
    Column("origin", Text, nullable=False, unique=True),
    at("opened_at"),
    at("closed_at", nullable=True),
)

leaf = Table(
    "leaf",
    metadata,
    Column("leaf_hash", LargeBinary, primary_key=True),
    Column("log_id", Integer, nullable=False),
    # Drawn in the INSERT, after all row locks: it keeps the order of two locked transactions.
    # It is no index of the tree: numbers are taken before commit.
    Column("ord", BigInteger, Identity(cache=1), nullable=False),
    blob("entry"),  # 116 bytes
    Column("leaf_index", BigInteger, nullable=True),
    at("created_at"),
    Index("leaf_unsequenced", "log_id", "ord", postgresql_where=sql("leaf_index IS NULL")),
    Index(
        "leaf_by_index",
        "log_id",
        "leaf_index",
        unique=True,
        postgresql_where=sql("leaf_index IS NOT NULL"),
    ),
)

opening = Table(
    "opening",
    metadata,
    Column("leaf_hash", LargeBinary, primary_key=True),
    text("key_id"),
    blob("subject"),  # sealed salt and payload of the subject slot
    blob("audit"),  # sealed salt and payload of the audit slot
)

opening_key = Table(
    "opening_key",
    metadata,
    Column("key_id", Text, primary_key=True),  # <pseudonym or "-">/<quarter>
    text("kek_id"),
    blob("wrapped"),
)

subject_counter = Table(
    "subject_counter",
    metadata,
    Column("log_id", Integer, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("last_seq", BigInteger, nullable=False),
)

log_state = Table(
    "log_state",
    metadata,
    Column("log_id", Integer, primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False),
    blob("root"),
    Column("edge", ARRAY(LargeBinary), nullable=False),
    text("note"),
    at("covered_until"),
)

tile = Table(
    "tile",
    metadata,
    Column("log_id", Integer, primary_key=True),
    Column("level", SmallInteger, primary_key=True),
    Column("n", BigInteger, primary_key=True),
    blob("hashes"),
)

checkpoint = Table(
    "checkpoint",
    metadata,
    Column("log_id", Integer, primary_key=True),
    Column("size", BigInteger, primary_key=True),
    blob("root"),
    text("note"),
    at("signed_at"),
)

log_search = Table(
    "log_search",
    metadata,
    Column("leaf_hash", LargeBinary, primary_key=True),
    text("kind"),
    text("member_id"),
    text("subject"),
    text("purpose"),
    text("outcome"),
    at("t"),
    blob("operator_mac"),
    blob("application_mac"),
)
