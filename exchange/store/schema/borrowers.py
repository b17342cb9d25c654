"""Borrowers: their passkeys, who vouched for them, what they signed, their sessions."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, LargeBinary, PrimaryKeyConstraint, Table, Text
from sqlalchemy import Uuid as UuidType

from exchange.store.schema.columns import at, blob, metadata, text

# A key names nobody by itself: only a voucher ties it to a subject's token.
passkey = Table(
    "passkey",
    metadata,
    Column("credential_id", LargeBinary, primary_key=True),
    blob("public_key"),  # COSE key
    Column("sign_count", BigInteger, nullable=False),
    at("made_at"),
    at("ended_at", nullable=True),
)

# "This key is that subject's": by the member whose grant it signed, or by the operator's proofing.
passkey_voucher = Table(
    "passkey_voucher",
    metadata,
    blob("token_index"),
    blob("credential_id"),
    text("voucher"),  # a member's id, or "" for the operator's proofing
    text("epoch"),
    Column("grant_id", UuidType, nullable=True),
    at("vouched_at"),
    PrimaryKeyConstraint("token_index", "credential_id", "voucher"),
    Index("passkey_voucher_key", "credential_id"),
)

# The one-time link of a requested grant; a newer link takes the place of the one before.
grant_link = Table(
    "grant_link",
    metadata,
    Column("grantee", Text, primary_key=True),
    Column("grant_id", UuidType, primary_key=True),
    blob("secret_sha256"),
    at("made_at"),
    at("expires_at"),
    Index("grant_link_secret", "secret_sha256", unique=True),
)

# What the borrower's key signed: level 2 evidence that anyone can verify again.
grant_cosignature = Table(
    "grant_cosignature",
    metadata,
    Column("grantee", Text, primary_key=True),
    Column("grant_id", UuidType, primary_key=True),
    blob("credential_id"),
    blob("public_key"),
    blob("client_data"),
    blob("authenticator_data"),
    blob("signature"),
    at("signed_at"),
)

# Sessions of people on the pages. A cookie's secret is not stored, only its hash.
page_session = Table(
    "page_session",
    metadata,
    Column("session_sha256", LargeBinary, primary_key=True),
    blob("opened_with"),  # hash of the link or challenge that opened it: each opens one session
    blob("credential_id", nullable=True),
    text("grantee", nullable=True),
    Column("grant_id", UuidType, nullable=True),
    blob("agent_sha256"),  # of the browser's own name: a copied cookie shows elsewhere
    at("started_at"),
    at("seen_at"),
    at("ended_at", nullable=True),
    Index("page_session_opened", "opened_with", unique=True),
    Index("page_session_started", "started_at"),
)
