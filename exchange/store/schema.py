"""Every table of the exchange, described once. Statements live beside it, by noun.

Kept clean for distribution by subject token: no unique key on a distributed table without the
token, no row triggers, no `now()` (the caller binds the time), UUIDv7 keys. The tables of
`UNDISTRIBUTED` are keyed by member or by log, are small or append-only, and stay in one place.
Times are unix seconds (bigint) unless the type says date.
"""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)

metadata = MetaData()

UNDISTRIBUTED = frozenset(
    {
        "account",
        "batch",
        "batch_fault",
        "checkpoint",
        "grant_artefact",
        "grant_event",
        "leaf",
        "log",
        "log_search",
        "log_state",
        "member",
        "member_key",
        "nonce",
        "opening",
        "opening_key",
        "query",
        "quota",
        "security_event",
        "subject_counter",
        "tile",
    }
)


def _at(name: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable)


def _text(name: str, *, nullable: bool = False) -> Column[str]:
    return Column(name, Text, nullable=nullable)


def _blob(name: str, *, nullable: bool = False) -> Column[bytes]:
    return Column(name, LargeBinary, nullable=nullable)


def _flag(name: str, *, default: bool) -> Column[bool]:
    return Column(name, Boolean, nullable=False, server_default=text(str(default).lower()))


def _count(name: str, *, nullable: bool = False, default: int | None = 0) -> Column[int]:
    server_default = None if default is None else text(str(default))
    return Column(name, Integer, nullable=nullable, server_default=server_default)


# ---- members -------------------------------------------------------------------------------

member = Table(
    "member",
    metadata,
    Column("member_id", Text, primary_key=True),
    _text("name"),
    _text("contact"),
    _text("status"),
    Column("roles", ARRAY(Text), nullable=False),
    _text("zone"),  # IANA time zone of the member's dates
    _text("profile"),  # jurisdiction, such as CN
    _at("enrolled_at"),
)

member_key = Table(
    "member_key",
    metadata,
    Column("member_id", Text, ForeignKey("member.member_id"), primary_key=True),
    Column("key", Text, primary_key=True),
    _text("algorithm"),
    _blob("public_key"),
    _at("not_before"),
    _at("not_after"),
    _at("revoked_at", nullable=True),
    _at("added_at"),
)

nonce = Table(
    "nonce",
    metadata,
    Column("member_id", Text, primary_key=True),
    Column("nonce", Text, primary_key=True),
    _at("seen_at"),
    Index("nonce_seen_at", "seen_at"),
)

quota = Table(
    "quota",
    metadata,
    Column("member_id", Text, primary_key=True),
    Column("what", Text, primary_key=True),
    Column("period", BigInteger, primary_key=True),  # first second of the period
    Column("used", BigInteger, nullable=False),
)

security_event = Table(
    "security_event",
    metadata,
    Column("event_id", Uuid, primary_key=True),
    _at("at"),
    _text("code"),
    _text("route"),
    _text("request_id"),
    _text("member_id"),  # or "none"
    _text("key"),
    _text("peer"),
    Column("body_bytes", BigInteger, nullable=False),
    _count("dropped"),  # events of this peer left out since the one before
)

# ---- grants --------------------------------------------------------------------------------

grants = Table(
    "grants",
    metadata,
    _blob("token_index"),
    _text("grantee"),
    Column("grant_id", Uuid, nullable=False),
    _text("epoch"),
    _text("purpose"),
    _text("state"),
    Column("level", SmallInteger, nullable=False),
    _flag("cross_border", default=False),
    _at("not_before"),
    _at("expires"),
    _count("uses"),
    _count("max_uses", nullable=True, default=None),
    Column("window_start", BigInteger, nullable=False, server_default=text("0")),
    _count("window_uses"),
    _count("window_max", nullable=True, default=None),
    _count("window_seconds"),
    _text("detail"),
    Column("fields", ARRAY(Text), nullable=False),
    Column("lookback_months", SmallInteger, nullable=False),
    PrimaryKeyConstraint("token_index", "grantee", "grant_id"),
)

grant_artefact = Table(
    "grant_artefact",
    metadata,
    Column("grantee", Text, primary_key=True),
    Column("grant_id", Uuid, primary_key=True),
    _blob("token_index"),  # the binding it was registered with
    _blob("artefact"),  # the compact JWS, byte for byte
    _blob("digest"),  # SHA-256 of it
    _text("kid"),
    _text("policy"),
    _at("registered_at"),
    _blob("leaf_hash"),
)

grant_event = Table(
    "grant_event",
    metadata,
    Column("event_id", Uuid, primary_key=True),
    _text("grantee"),
    Column("grant_id", Uuid, nullable=False),
    _text("event"),
    _text("actor"),
    _text("state"),
    _text("reason"),
    _at("acted_at"),
    _at("effective_at"),
    _blob("leaf_hash"),
    Index("grant_event_grant", "grantee", "grant_id", "event_id"),
)

# ---- records -------------------------------------------------------------------------------

record = Table(
    "record",
    metadata,
    _blob("token_index"),
    Column("record_id", Uuid, nullable=False),
    _count("version", default=None),  # 1, 2, 3 …: versions append
    _text("member_id"),
    _text("epoch"),
    _flag("current", default=True),
    _flag("open", default=True),  # the account is open
    _flag("overdue", default=False),  # the account is open and overdue
    _flag("disputed", default=False),
    _flag("suppressed", default=False),  # deleted, withdrawn or kept for storage only
    Column("grant_id", Uuid, nullable=True),
    Column("batch_id", Uuid, nullable=True),
    _at("submitted_at"),
    Column("purge_on", Date, nullable=True),
    _text("kek_id"),
    _blob("wrapped"),  # the data key of this version, wrapped by the KEK
    _blob("sealed"),  # the payload under that data key
    PrimaryKeyConstraint("token_index", "record_id", "version"),
    Index("record_current", "token_index", postgresql_where=text("current")),
    # A record stands under each of its subject's identity tokens; ids rise with time, so it is
    # cheap to keep.
    Index("record_by_id", "record_id"),
)

account = Table(
    "account",
    metadata,
    Column("member_id", Text, primary_key=True),
    Column("account_ref", Text, primary_key=True),
    Column("record_id", Uuid, nullable=False),
    _count("version", default=None),
    _blob("token_index"),  # of the primary identity token
    _text("epoch"),
    Column("sequence", BigInteger, nullable=False),  # of the batch that wrote this version
)

batch = Table(
    "batch",
    metadata,
    Column("member_id", Text, primary_key=True),
    Column("batch_id", Uuid, primary_key=True),
    _blob("digest"),  # SHA-256 of the unpacked file
    Column("sequence", BigInteger, nullable=False),
    _text("state"),
    _text("kind"),
    _count("rows"),
    _count("faults"),
    _at("received_at"),
    _blob("leaf_hash", nullable=True),
    _text("receipt"),
)

batch_fault = Table(
    "batch_fault",
    metadata,
    Column("member_id", Text, primary_key=True),
    Column("batch_id", Uuid, primary_key=True),
    Column("line", Integer, primary_key=True),
    Column("n", SmallInteger, primary_key=True),
    _text("field"),
    _text("code"),
    _text("severity"),
)

# ---- queries -------------------------------------------------------------------------------

query = Table(
    "query",
    metadata,
    Column("member_id", Text, primary_key=True),
    Column("query_id", Uuid, primary_key=True),
    _blob("digest"),  # SHA-256 of the query's exact bytes
    # Deferred: the leaf and the answer commit together or not at all.
    Column(
        "leaf_hash",
        LargeBinary,
        ForeignKey("leaf.leaf_hash", deferrable=True, initially="DEFERRED"),
        nullable=False,
    ),
    _text("key_id"),  # the opening key that seals the claims
    _blob("sealed"),  # the receipt's claims
)

inquiry = Table(
    "inquiry",
    metadata,
    _blob("token_index"),
    _text("member_id"),
    Column("query_id", Uuid, nullable=False),
    _at("asked_at"),
    PrimaryKeyConstraint("token_index", "asked_at", "query_id"),
)

# ---- the access log ------------------------------------------------------------------------

log = Table(
    "log",
    metadata,
    Column("log_id", Integer, Identity(), primary_key=True),
    Column("origin", Text, nullable=False, unique=True),
    _at("opened_at"),
    _at("closed_at", nullable=True),
)

leaf = Table(
    "leaf",
    metadata,
    Column("leaf_hash", LargeBinary, primary_key=True),
    Column("log_id", Integer, nullable=False),
    # Drawn in the INSERT, after all row locks: it keeps the order of two locked transactions.
    # It is no index of the tree: numbers are taken before commit.
    Column("ord", BigInteger, Identity(cache=1), nullable=False),
    _blob("entry"),  # 116 bytes
    Column("leaf_index", BigInteger, nullable=True),
    _at("created_at"),
    Index("leaf_unsequenced", "log_id", "ord", postgresql_where=text("leaf_index IS NULL")),
    Index(
        "leaf_by_index",
        "log_id",
        "leaf_index",
        unique=True,
        postgresql_where=text("leaf_index IS NOT NULL"),
    ),
)

opening = Table(
    "opening",
    metadata,
    Column("leaf_hash", LargeBinary, primary_key=True),
    _text("key_id"),
    _blob("subject"),  # sealed salt and payload of the subject slot
    _blob("audit"),  # sealed salt and payload of the audit slot
)

opening_key = Table(
    "opening_key",
    metadata,
    Column("key_id", Text, primary_key=True),  # <pseudonym or "-">/<quarter>
    _text("kek_id"),
    _blob("wrapped"),
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
    _blob("root"),
    Column("edge", ARRAY(LargeBinary), nullable=False),
    _text("note"),
    _at("covered_until"),
)

tile = Table(
    "tile",
    metadata,
    Column("log_id", Integer, primary_key=True),
    Column("level", SmallInteger, primary_key=True),
    Column("n", BigInteger, primary_key=True),
    _blob("hashes"),
)

checkpoint = Table(
    "checkpoint",
    metadata,
    Column("log_id", Integer, primary_key=True),
    Column("size", BigInteger, primary_key=True),
    _blob("root"),
    _text("note"),
    _at("signed_at"),
)

log_search = Table(
    "log_search",
    metadata,
    Column("leaf_hash", LargeBinary, primary_key=True),
    _text("kind"),
    _text("member_id"),
    _text("subject"),
    _text("purpose"),
    _text("outcome"),
    _at("t"),
    _blob("operator_mac"),
    _blob("application_mac"),
)
