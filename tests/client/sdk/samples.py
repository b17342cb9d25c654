"""Synthetic borrowers and rows for the SDK's tests."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

from exchange_client import Exchange, Identifier, KeyFile
from tests.support.borrowers import borrower, consent

PURPOSE = "credit_application"
NEVER = "gnt_" + "0" * 12 + "7" + "0" * 3 + "8" + "0" * 15  # a grant id that nobody made

# Yesterday in UTC is a day that has begun in every member's time zone.
AS_OF = datetime.now(UTC).date() - timedelta(days=1)


def mobile(number: int) -> Identifier:
    """Return the n-th synthetic mobile number."""
    return Identifier.parse("mobile", "ZZ", f"+861390000{number:04d}")


def grant_for(exchange: Exchange, key: KeyFile, who: Identifier, purpose: str = PURPOSE) -> str:
    """Register a synthetic consent and return its id."""
    grant = consent(who, purpose, key=key, pins=exchange.pins)
    exchange.register_grant(grant, who)
    return grant.grant_id


def row(who: Identifier, grant: str, days_late: int = 0, **changes: object) -> dict[str, object]:
    """Return a row about an account that is this many days late, 0 for on time."""
    told = _late(days_late) if days_late else {"status": "CURRENT", "dpd": 0, "overdue_minor": 0}
    return {
        "identifiers": [who],
        "account_ref": f"acc-{who.number[-8:]}",
        "role": "borrower",
        "product": "cash_loan",
        "as_of": AS_OF,
        "opened_on": AS_OF - timedelta(days=400),
        "currency": "CNY",
        "principal_minor": 1_000_000,
        "balance_minor": 600_000,
        "grant": grant,
        **told,
        **changes,
    }


def account_of(who: Identifier) -> str:
    """Return the account under which the contract reports a borrower."""
    return str(row(who, "")["account_ref"])


def _late(days: int) -> Mapping[str, object]:
    due: date = AS_OF - timedelta(days=days)
    return {
        "status": "OVERDUE",
        "dpd": days,
        "overdue_minor": 50_000,
        "oldest_unpaid_due_on": due,
        "first_overdue_on": due + timedelta(days=1),
        "notice": {
            "sent_at": int(time.time()) - 86_400,
            "channel": "SMS",
            "template": "ntc_sandbox_pre_listing:1.0.0",
            "delivery": "DELIVERED",
        },
    }


__all__ = ["AS_OF", "NEVER", "PURPOSE", "account_of", "borrower", "grant_for", "mobile", "row"]
