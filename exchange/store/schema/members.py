"""Members, their keys, and what is counted of them."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    Table,
    Text,
    Uuid,
)

from exchange.store.schema.columns import at, blob, count, metadata, text

member = Table(
    "member",
    metadata,
    Column("member_id", Text, primary_key=True),
    text("name"),
    text("contact"),
    text("status"),
    Column("roles", ARRAY(Text), nullable=False),
    text("zone"),  # IANA time zone of the member's dates
    text("profile"),  # jurisdiction, such as CN
    at("enrolled_at"),
)

member_key = Table(
    "member_key",
    metadata,
    Column("member_id", Text, ForeignKey("member.member_id"), primary_key=True),
    Column("key", Text, primary_key=True),
    text("algorithm"),
    blob("public_key"),
    at("not_before"),
    at("not_after"),
    at("revoked_at", nullable=True),
    at("added_at"),
)

member_proposal = Table(
    "member_proposal",
    metadata,
    Column("proposal_id", Uuid, primary_key=True),
    text("kind"),
    text("member_id"),
    text("details"),  # JSON, as it was proposed
    text("proposed_by"),
    at("proposed_at"),
    at("lapses_at"),
    text("approved_by", nullable=True),
    at("approved_at", nullable=True),
)

# Which file of the law judges, since when; the newest counts.
profile_in_force = Table(
    "profile_in_force",
    metadata,
    Column("sha256", LargeBinary, primary_key=True),
    text("ref"),
    Column("since", BigInteger, primary_key=True, autoincrement=False),
)

operator_key = Table(
    "operator_key",
    metadata,
    Column("name", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    blob("public_key"),  # Ed25519, 32 bytes
    at("enrolled_at"),
    at("retired_at", nullable=True),
)

nonce = Table(
    "nonce",
    metadata,
    Column("member_id", Text, primary_key=True),
    Column("nonce", Text, primary_key=True),
    at("seen_at"),
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
    at("at"),
    text("code"),
    text("route"),
    text("request_id"),
    text("member_id"),  # or "none"
    text("key"),
    text("peer"),
    Column("body_bytes", BigInteger, nullable=False),
    count("dropped"),  # events of this peer left out since the one before
)

# One person's place at the console. A newer link takes the place of the one before, and ends the
# key that was made with it.
seat = Table(
    "seat",
    metadata,
    Column("member_id", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    blob("link_sha256"),
    at("link_until"),  # first second in which it opens no more
    at("enrolled_at"),
    at("retired_at", nullable=True),
    Index("seat_link", "link_sha256", unique=True),
)

# The passkey that was made with a seat's link: one a link, so what was taken is taken.
seat_key = Table(
    "seat_key",
    metadata,
    Column("credential_id", LargeBinary, primary_key=True),
    blob("link_sha256"),
    blob("public_key"),  # COSE key
    Column("sign_count", BigInteger, nullable=False),
    at("made_at"),
    Index("seat_key_link", "link_sha256", unique=True),
)
