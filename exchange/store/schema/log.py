"""The access log: leaves, openings, tiles, checkpoints."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    Float,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    Uuid,
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
    at("created_at"),
    Index("leaf_by_ord", "ord", unique=True),
)

# The index of a leaf in its tree. A leaf without a row here waits for the sequencer.
leaf_place = Table(
    "leaf_place",
    metadata,
    Column("log_id", Integer, primary_key=True),
    Column("leaf_index", BigInteger, primary_key=True),
    Column("ord", BigInteger, nullable=False),
    Index("leaf_place_by_ord", "ord", unique=True),
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
    # How many of these were erased by order: what is numbered and not there any more.
    Column("erased", BigInteger, nullable=False, server_default=sql("0")),
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
    # Below `floor` every leaf has its index and none can appear any more. `ceiling` is the next
    # floor, once the transactions of `writers` have ended; see store/log/tree.py.
    Column("floor", BigInteger, nullable=False, server_default=sql("0")),
    Column("ceiling", BigInteger, nullable=False, server_default=sql("0")),
    Column("writers", ARRAY(Text), nullable=False, server_default=sql("'{}'")),
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

# A witness's word that it saw this checkpoint: of one size the first and the newest are kept.
cosignature = Table(
    "cosignature",
    metadata,
    Column("log_id", Integer, primary_key=True),
    Column("size", BigInteger, primary_key=True),
    Column("witness", Text, primary_key=True),  # name of its key
    Column("signed_at", BigInteger, primary_key=True),  # unix seconds, by the witness's clock
    text("line"),  # the signature line, with its LF
)

# The newest checkpoint that a quorum has cosigned, as it is shown.
published = Table(
    "published",
    metadata,
    Column("log_id", Integer, primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False),
    blob("root"),
    text("note"),  # with the cosignatures
    at("quorum_at"),  # unix seconds, the newest time that a quorum has reached
)

# Who may fetch tiles under which random path; only its hash is kept.
log_access = Table(
    "log_access",
    metadata,
    Column("capability_sha256", LargeBinary, primary_key=True),
    text("member_id"),
    at("created_at"),
    at("revoked_at", nullable=True),
)

# What is written once a day (usage, index_root) was written for these days.
log_day = Table(
    "log_day",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("day", Text, primary_key=True),  # UTC, 2026-12-31
    Column("member_id", Text, primary_key=True),  # "" for the whole log
    blob("leaf_hash"),
)

# The lines of the newest index and of the one before it, by which a line is proven.
index_part = Table(
    "index_part",
    metadata,
    Column("log_id", Integer, primary_key=True),
    Column("day", Text, primary_key=True),  # UTC, 2026-12-31
    Column("n", Integer, primary_key=True),
    text("first_subject"),
    blob("lines"),  # sorted, each with its LF
    blob("root"),  # over these lines
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
    # With the time: a member's looks of the day at a subject are counted at each look.
    Index("log_search_subject_t", "subject", "t", postgresql_where=sql("subject <> ''")),
    # A search of a time window reads that window, however long the log is. Rows come in the order
    # of their time, so a range of pages is known by its bounds: a query pays nothing for it.
    Index(
        "log_search_t",
        "t",
        postgresql_using="brin",
        postgresql_with={"pages_per_range": 16, "autosummarize": "on"},
    ),
)

# What the processes beside the server count; the server shows it.
meter = Table(
    "meter",
    metadata,
    Column("name", Text, primary_key=True),
    Column("labels", Text, primary_key=True),
    Column("value", Float, nullable=False),
)

# Which disbursements were reported, so that a report sent again is the same one.
disbursement = Table(
    "disbursement",
    metadata,
    Column("member_id", Text, primary_key=True),
    Column("disbursement_id", Uuid, primary_key=True),
    blob("digest"),  # SHA-256 of what was sent
    blob("leaf_hash"),
    at("received_at"),
    text("receipt"),
    blob("account_mac", nullable=True),  # which account; null in rows of before revision 0023
    Index("disbursement_account", "account_mac"),
)

# Up to where accounts were looked at for loans that no disbursement tells of: one row.
loan_scan = Table("loan_scan", metadata, Column("record_id", Uuid, primary_key=True))
