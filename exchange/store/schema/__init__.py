"""Every table of the exchange, described once. Statements live beside it, by noun.

Kept clean for distribution by subject token: no unique key on a distributed table without the
token, no row triggers, no `now()` (the caller binds the time), UUIDv7 keys. The tables of
`UNDISTRIBUTED` are keyed by member or by log, are small or append-only, and stay in one place.
Times are unix seconds (bigint) unless the type says date.
"""

from __future__ import annotations

from exchange.store.schema import grants, log, members, notices, queries, records
from exchange.store.schema.columns import metadata

__all__ = ["UNDISTRIBUTED", "grants", "log", "members", "metadata", "notices", "queries", "records"]

UNDISTRIBUTED = frozenset(
    {
        "account",
        "batch",
        "batch_fault",
        "checkpoint",
        "grant_artefact",
        "grant_binding",
        "grant_event",
        "grant_evidence",
        "leaf",
        "log",
        "log_search",
        "log_state",
        "member",
        "member_key",
        "nonce",
        "notice",
        "notice_approval",
        "opening",
        "opening_key",
        "query",
        "quota",
        "security_event",
        "subject_counter",
        "tile",
    }
)
