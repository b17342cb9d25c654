"""The registry of notices: texts that borrowers were shown, and who approved them."""

from __future__ import annotations

from sqlalchemy import Column, Table, Text

from exchange.store.schema.columns import at, blob, metadata, text

notice = Table(
    "notice",
    metadata,
    Column("notice_id", Text, primary_key=True),
    Column("version", Text, primary_key=True),
    Column("lang", Text, primary_key=True),
    text("kind"),
    text("jurisdiction"),
    text("purpose"),
    blob("sha256"),  # of the document
    blob("document"),  # byte for byte
    at("registered_at"),
    at("retired_at", nullable=True),  # from then on no new artefact may name it
)

notice_approval = Table(
    "notice_approval",
    metadata,
    Column("notice_id", Text, primary_key=True),
    Column("version", Text, primary_key=True),
    Column("lang", Text, primary_key=True),
    Column("approver", Text, primary_key=True),
    at("approved_at"),
)
