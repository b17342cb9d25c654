"""Synthetic portfolios: who owes what to which lender. Deterministic, lawful, clearly made up.

Borrower n owes at one to three lenders; n itself decides how well each debt is served, so that the
demo can say beforehand what an honest answer must be.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import date, timedelta

from tests.support.borrowers import borrower

LENDERS = ("lender-a", "lender-b", "lender-c")
DAYS_LATE = (0, 0, 0, 12, 45, 130)  # by borrower number, in turn


def days_late(number: int) -> int:
    """Return how many days the debts of a borrower are late."""
    return DAYS_LATE[number % len(DAYS_LATE)]


def holders(number: int) -> tuple[str, ...]:
    """Return the lenders that the borrower owes to; never the one it applies to next."""
    home = number % len(LENDERS)
    first = LENDERS[(home + 1) % len(LENDERS)]
    return (first, LENDERS[(home + 2) % len(LENDERS)]) if number % 4 == 0 else (first,)


def applies_to(number: int) -> str:
    """Return the lender that the borrower turns to now, where it has no debt."""
    return LENDERS[number % len(LENDERS)]


def row(number: int, lender: str, grant: str, as_of: date) -> dict[str, object]:
    """Return the lender's row about the borrower's account, as of a day."""
    late = days_late(number)
    fields: dict[str, object] = {
        "op": "PUT",
        "account_ref": f"acc-{lender[-1]}-{number}",
        "identifiers": [borrower(number)],
        "role": "borrower",
        "product": "cash_loan",
        "as_of": as_of.isoformat(),
        "opened_on": (as_of - timedelta(days=400)).isoformat(),
        "currency": "CNY",
        "principal_minor": 500_000,
        "balance_minor": 300_000,
        "overdue_minor": 0,
        "dpd": 0,
        "status": "CURRENT",
        "grant": grant,
    }
    if late:
        due = as_of - timedelta(days=late)
        fields |= {
            "oldest_unpaid_due_on": due.isoformat(),
            "first_overdue_on": (due + timedelta(days=1)).isoformat(),
            "overdue_minor": 60_000 + 1_000 * late,
            "dpd": late,
            "status": "OVERDUE",
            "notice": {
                "sent_at": int(time.time()) - 86_400,
                "channel": "SMS",
                "template": "ntc_sandbox:1.0.0",
                "delivery": "DELIVERED",
            },
        }
    return fields


def accounts(borrowers: int) -> Iterator[tuple[int, str]]:
    """Yield every (borrower, lender) pair of the portfolio."""
    for number in range(borrowers):
        for lender in holders(number):
            yield number, lender
