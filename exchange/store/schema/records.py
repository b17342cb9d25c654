"""Records and accounts."""

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

record = Table(
    "record",
    metadata,
    blob("token_index"),
    Column("record_id", Uuid, nullable=False),
    count("version", default=None),  # 1, 2, 3 …: versions append
    text("member_id"),
    text("epoch"),
    flag("current", default=True),
    flag("open", default=True),  # the account is open
    flag("overdue", default=False),  # the account is open and overdue
    flag("disputed", default=False),
    flag("suppressed", default=False),  # deleted, withdrawn or kept for storage only
    Column("grant_id", Uuid, nullable=True),
    Column("batch_id", Uuid, nullable=True),
    at("submitted_at"),
    Column("purge_on", Date, nullable=True),
    text("kek_id"),
    blob("wrapped"),  # the data key of this version, wrapped by the KEK
    blob("sealed"),  # the payload under that data key
    # A record stands under each of its subject's identity tokens. Ids rise with time and tokens lie
    # anywhere: a key that begins with the id is written at its end, one that begins with the token
    # on another page for every row.
    PrimaryKeyConstraint("record_id", "version", "token_index"),
    Index("record_current", "token_index", postgresql_where=sql("current")),
    # What the purge looks for: few rows at any time.
    Index("record_purge", "purge_on", postgresql_where=sql("purge_on IS NOT NULL AND current")),
    Index("record_suppressed", "record_id", postgresql_where=sql("suppressed AND current")),
)

# Records whose consent ended while somebody else was writing to their versions: looks leave them
# out up to this version. Empty but for moments; small, and looked into by every look-up.
withheld = Table(
    "withheld",
    metadata,
    Column("record_id", Uuid, primary_key=True),
    count("version", default=None),
)

account = Table(
    "account",
    metadata,
    Column("member_id", Text, primary_key=True),
    Column("account_ref", Text, primary_key=True),
    Column("record_id", Uuid, nullable=False),
    count("version", default=None),
    blob("token_index"),  # of the primary identity token
    text("epoch"),
    Column("sequence", BigInteger, nullable=False),  # of the batch that wrote this version
    Index("account_record", "record_id"),  # what a dispute or a purge names
)

# Which versions tell of one sale: the seller's SOLD, the buyer's TRANSFER_IN. What they say of it
# lies in them, sealed; a side is null until it speaks, and again once its record is purged.
transfer = Table(
    "transfer",
    metadata,
    Column("transfer_id", Uuid, primary_key=True),
    count("revision", default=None),  # 1, 2, 3 …: whoever writes says which it has seen
    Column("sold_record", Uuid, nullable=True),
    Column("sold_version", Integer, nullable=True),
    Column("bought_record", Uuid, nullable=True),
    Column("bought_version", Integer, nullable=True),
    Index("transfer_sold", "sold_record"),
    Index("transfer_bought", "bought_record"),
)
