"""Synthetic portfolios: who owes what to which lender. Deterministic, lawful, clearly made up.

Borrower n owes at one or two lenders and turns to another now. n itself decides who the borrower
is and how the debts are served, so that it can be said beforehand what an honest answer must be.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import date, timedelta

from exchange_client.identifiers import Identifier
from tests.support.borrowers import borrower, company, mobile, passport, tax_number

LENDERS = ("lender-a", "lender-b", "lender-c")
# How the debts of borrower n are served, in turn; most are served well.
CASES = (
    *("on time", "12 days late", "on time", "45 days late", "on time", "cured"),
    *("130 days late", "on time", "paused", "on time", "restructured", "charged off"),
    *("on time", "on time", "in court"),
)
_DAYS_LATE = {"12 days late": 12, "45 days late": 45, "130 days late": 130, "charged off": 400}
_STATUSES = {"charged off": "CHARGED_OFF", "in court": "LITIGATION"}
_AGE_DAYS = 400
_CLASSES = ((360, 5), (270, 4), (90, 3))  # five-class floors: over so many days, this class


def case(number: int) -> str:
    """Return how the debts of a borrower are served."""
    return CASES[number % len(CASES)]


def subject(number: int) -> tuple[Identifier, ...]:
    """Return the borrower's identifiers: most a resident ID and a mobile number."""
    others = {7: passport, 19: company, 31: tax_number}
    primary = others.get(number % 40, borrower)(number)
    return (primary, mobile(number)) if primary.scheme == "cn.ric" else (primary,)


def holders(number: int) -> tuple[str, ...]:
    """Return the lenders that the borrower owes to; never the one it applies to next."""
    home = number % len(LENDERS)
    first = LENDERS[(home + 1) % len(LENDERS)]
    return (first, LENDERS[(home + 2) % len(LENDERS)]) if number % 4 == 0 else (first,)


def applies_to(number: int) -> str:
    """Return the lender that the borrower turns to now, where it has no debt."""
    return LENDERS[number % len(LENDERS)]


def accounts(borrowers: int, lender: str) -> Iterator[int]:
    """Yield every borrower that owes to the lender."""
    return (number for number in range(borrowers) if lender in holders(number))


def row(number: int, lender: str, grant: str, as_of: date) -> dict[str, object]:
    """Return the lender's row about the borrower's account, as of a day."""
    return {
        "op": "PUT",
        "account_ref": f"acc-{lender[-1]}-{number}",
        "identifiers": subject(number),
        "role": "borrower",
        "product": "business_loan" if number % 40 == 19 else "cash_loan",
        "as_of": as_of.isoformat(),
        "opened_on": (as_of - timedelta(days=_AGE_DAYS + 30)).isoformat(),
        "currency": "CNY",
        "principal_minor": 300_000 + 1_000 * (number % 400),
        "balance_minor": 200_000 + 700 * (number % 400),
        "overdue_minor": 0,
        "dpd": 0,
        "status": "CURRENT",
        "grant": grant,
        **_state(number, as_of),
    }


def _state(number: int, as_of: date) -> dict[str, object]:
    served = case(number)
    if days := _DAYS_LATE.get(served, 95 + number % 80 if served == "in court" else 0):
        return _late(days, _STATUSES.get(served, "OVERDUE"), number, as_of)
    month_ago = (as_of - timedelta(days=30)).isoformat()
    if served == "cured":
        return {"history": "NNN21NNNNNNN", "notice": _notice()}
    if served == "paused":
        return {"status": "PAUSED", "pauses": [_pause(as_of)]}
    if served == "restructured":
        return {"status": "RESTRUCTURED", "status_on": month_ago, "five_class": 2}
    return {"history": "NNNNNNNNNNNN"}


def _late(days: int, status: str, number: int, as_of: date) -> dict[str, object]:
    due = as_of - timedelta(days=days)
    return {
        "oldest_unpaid_due_on": due.isoformat(),
        "first_overdue_on": (due + timedelta(days=1)).isoformat(),
        "overdue_minor": min(200_000, 20_000 + 40 * days + 100 * (number % 300)),
        "dpd": days,
        "status": status,
        "status_on": as_of.isoformat() if status != "OVERDUE" else None,
        "five_class": next((level for over, level in _CLASSES if days > over), 2),
        "notice": _notice(),
    }


def _pause(as_of: date) -> dict[str, object]:
    starts, ends = as_of - timedelta(days=20), as_of + timedelta(days=40)
    return {"from": starts.isoformat(), "to": ends.isoformat(), "cause": "RELIEF_POLICY"}


def _notice() -> dict[str, object]:
    return {
        "sent_at": int(time.time()) - 86_400,
        "channel": "SMS",
        "template": "ntc_sandbox_pre_listing:1.0.0",
        "delivery": "DELIVERED",
    }
