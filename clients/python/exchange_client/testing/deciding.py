"""The fake's gate: may this question be answered, and how deep may the answer be?

The same reasons in the same order as the exchange; default no.
Source: the grant rules, section "Check at each use".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from exchange_client.grants import ALL_FIELDS, HABITS

LOOKS: Final = frozenset(HABITS) - {"contribute"}
PURPOSES: Final = frozenset(HABITS) | {
    *("subject_access", "dispute", "regulatory_audit", "statistics")
}
OFF: Final = frozenset({"collections", "fraud_prevention"})  # until a profile opens them
GRADED: Final = frozenset({"credit_application", "guarantor_check", "account_review"})
NEEDS_ACCOUNT: Final = frozenset({"account_review", "portfolio_monitoring", "collections"})
FLAG_FIELDS: Final = frozenset({"dispute", "freshest_month"})
PROTECTING: Final = frozenset({"dispute", "statement"})  # they speak for the borrower
EARLY_SECONDS: Final = 60
_ENDED: Final = {
    "PAUSED": "grant.paused",
    "WITHDRAWN": "grant.withdrawn",
    "REVOKED": "grant.revoked",
}


@dataclass(slots=True, kw_only=True)
class HeldGrant:
    """A registered grant, bound to one token."""

    grant_id: str
    artefact: str
    grantee: str
    purpose: str
    token: str  # base64url
    not_before: int  # unix seconds
    expires: int  # unix seconds
    max_uses: int | None
    window_max: int | None
    window_seconds: int
    detail: str
    fields: frozenset[str]
    state: str = "ACTIVE"
    registered_at: int = 0  # unix seconds
    leaf: bytes = b""
    uses: int = 0
    window_start: int = 0
    window_uses: int = 0

    def refusal(self, purpose: str, now: int) -> str | None:
        """Return why the grant cannot be used now, None where it can."""
        if self.state in _ENDED:
            return _ENDED[self.state]
        if now + EARLY_SECONDS < self.not_before:
            return "grant.early"
        if now >= self.expires:
            return "grant.expired"
        if self.purpose != purpose:
            return "grant.purpose"
        if self.max_uses is not None and self.uses >= self.max_uses:
            return "grant.used_up"
        running = self.window_max is not None and now < self.window_start + self.window_seconds
        return "grant.too_often" if running and self.window_uses >= (self.window_max or 0) else None

    def spend(self, now: int) -> None:
        """Count one use."""
        self.uses += 1
        if now >= self.window_start + self.window_seconds:
            self.window_start, self.window_uses = now, 0
        self.window_uses += 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Depth:
    """What an answer may show, and why it shows less than was asked for."""

    fields: frozenset[str]
    bands: bool
    limits: tuple[str, ...]


def depth(purpose: str, asked: str, grant: HeldGrant) -> Depth:
    """Cut what was asked to what the purpose and the grant allow."""
    of_purpose = frozenset(HABITS[purpose].fields)
    opened = of_purpose if asked == "bands" else of_purpose & FLAG_FIELDS
    granted = opened & (grant.fields | PROTECTING)
    if grant.detail == "flag":
        granted &= FLAG_FIELDS
    wanted = frozenset(ALL_FIELDS) if asked == "bands" else FLAG_FIELDS
    limits = (
        *(("PURPOSE",) if opened != wanted else ()),
        *(("GRANT_DETAIL",) if granted != opened else ()),
    )
    return Depth(fields=granted, bands=asked == grant.detail == "bands", limits=limits)
