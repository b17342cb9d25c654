"""Every table of the exchange, described once. Statements live beside it, by noun.

Kept clean for distribution by subject token: no unique key on a distributed table without the
token, no row triggers, no `now()` (the caller binds the time), UUIDv7 keys. The tables of
`UNDISTRIBUTED` are keyed by member or by log, are small or append-only, and stay in one place.
Times are unix seconds (bigint) unless the type says date.
"""

from __future__ import annotations

from exchange.store.schema import (
    audit,
    batches,
    borrowers,
    disputes,
    grants,
    log,
    members,
    notices,
    outward,
    purges,
    queries,
    records,
    standing,
)
from exchange.store.schema.columns import metadata

__all__ = [
    "UNDISTRIBUTED",
    "audit",
    "batches",
    "borrowers",
    "disputes",
    "grants",
    "log",
    "members",
    "metadata",
    "notices",
    "outward",
    "purges",
    "queries",
    "records",
    "standing",
]

UNDISTRIBUTED = frozenset(
    {
        "account",
        "batch",
        "batch_absent",
        "batch_fault",
        "batch_job",
        "batch_part",
        "checkpoint",
        "cosignature",
        "disbursement",
        "dispute",
        "dispute_event",
        "dispute_mark",
        "event",
        "feed",
        "flag",
        "grant_artefact",
        "grant_binding",
        "grant_cosignature",
        "grant_event",
        "grant_evidence",
        "grant_status",
        "grant_link",
        "index_part",
        "leaf",
        "leaf_place",
        "loan_scan",
        "log",
        "log_access",
        "log_day",
        "log_search",
        "log_state",
        "member",
        "meter",
        "member_key",
        "member_proposal",
        "nonce",
        "notice",
        "notice_approval",
        "opening",
        "opening_key",
        "operator_key",
        "page_session",
        "passkey",
        "profile_in_force",
        "published",
        "purge_run",
        "quality",
        "query",
        "quota",
        "reciprocity",
        "security_event",
        "status_list",
        "subject_counter",
        "subject_opening",
        "tile",
        "transfer",
        "webhook",
        "webhook_delivery",
        "webhook_secret",
        "tombstone",
    }
)
