"""Record files: where each stands, what was sent of it, what was wrong with it."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, SmallInteger, Table, Text, Uuid
from sqlalchemy import text as sql

from exchange.store.schema.columns import at, blob, count, metadata, text


def _bytes(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False, server_default=sql("0"))


def _late(name: str) -> Column[str]:
    return Column(name, Text, nullable=False, server_default=sql("''"))


batch = Table(
    "batch",
    metadata,
    Column("member_id", Text, primary_key=True),
    Column("batch_id", Uuid, primary_key=True),
    blob("digest"),  # SHA-256 of the unpacked file
    Column("sequence", BigInteger, nullable=False),
    text("state"),
    text("kind"),
    count("rows"),
    count("faults"),
    at("received_at"),
    blob("leaf_hash", nullable=True),
    text("receipt"),
    count("rows_done"),
    _bytes("received_bytes"),
    _bytes("total_bytes"),
    _late("key_id"),  # of the member's key that signed the upload
    _late("refusal"),  # code
    _late("refusal_field"),
    _late("refusal_detail"),
)

# A file that is under way; the row goes with the commit that ends it. It is its own job: whoever
# works looks here, oldest first.
batch_job = Table(
    "batch_job",
    metadata,
    Column("member_id", Text, primary_key=True),
    Column("batch_id", Uuid, primary_key=True),
    at("received_at"),
    at("started_at", nullable=True),  # of the newest try
    count("tries"),
    text("kek_id"),
    blob("wrapped"),  # the data key that seals what was sent
    Index("batch_job_oldest", "received_at"),
)

batch_part = Table(
    "batch_part",
    metadata,
    Column("member_id", Text, primary_key=True),
    Column("batch_id", Uuid, primary_key=True),
    Column("start", BigInteger, primary_key=True),  # bytes of the file before this part
    blob("sealed"),
)

batch_absent = Table(
    "batch_absent",
    metadata,
    Column("member_id", Text, primary_key=True),
    Column("batch_id", Uuid, primary_key=True),
    Column("account_ref", Text, primary_key=True),
)

batch_fault = Table(
    "batch_fault",
    metadata,
    Column("member_id", Text, primary_key=True),
    Column("batch_id", Uuid, primary_key=True),
    Column("line", Integer, primary_key=True),
    Column("n", SmallInteger, primary_key=True),
    text("field"),
    text("code"),
    text("severity"),
)
