"""The fake's row checks: the form, and the rules that lenders break most.

The exchange checks more. What is refused here is refused there, under the same code.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

REQUIRED: Final = frozenset(
    {
        *("op", "account_ref", "tokens", "role", "product", "as_of", "opened_on", "currency"),
        *("principal_minor", "balance_minor", "overdue_minor", "dpd", "status"),
    }
)
OPTIONAL: Final = frozenset(
    {
        *("closed_on", "oldest_unpaid_due_on", "first_overdue_on", "bucket", "status_on"),
        *("five_class", "history", "pauses", "grant", "basis", "notice"),
        *("reason", "previous_ref", "transfer_id"),
    }
)
DATES: Final = (
    "as_of",
    "opened_on",
    "closed_on",
    "oldest_unpaid_due_on",
    "first_overdue_on",
    "status_on",
)
LATE: Final = frozenset({"OVERDUE", "LITIGATION", "CHARGED_OFF"})
CLEAN: Final = frozenset({"CURRENT", "SETTLED", "GUARANTOR_PAID", "ASSET_SETTLED"})


def row_flaws(row: Mapping[str, object], today: date) -> list[tuple[str, str]]:
    """Return (field, code) of everything that is wrong with the row itself."""
    if row.get("op") == "DELETE":
        return [] if {"account_ref", "reason", "as_of"} <= row.keys() else [("", "row.shape")]
    flaws = [(name, "row.shape") for name in sorted(REQUIRED - row.keys())]
    flaws += [(name, "row.unknown_field") for name in sorted(row.keys() - REQUIRED - OPTIONAL)]
    days = {name: _day(row[name]) for name in DATES if row.get(name) is not None}
    flaws += [(name, "row.date") for name, day in days.items() if day is None]
    return flaws or _contradictions(row, {n: d for n, d in days.items() if d}, today)


def _contradictions(
    row: Mapping[str, object], days: Mapping[str, date], today: date
) -> list[tuple[str, str]]:
    dpd, overdue, balance = (row[name] for name in ("dpd", "overdue_minor", "balance_minor"))
    if not all(isinstance(one, int) and one >= 0 for one in (dpd, overdue, balance)):
        return [("dpd", "row.amount")]
    status, due = row["status"], days.get("oldest_unpaid_due_on")
    rules = (
        ("as_of", "row.as_of_future", days["as_of"] <= today),
        ("opened_on", "row.date_order", days["opened_on"] <= days["as_of"]),
        ("overdue_minor", "row.amount", int(str(overdue)) <= int(str(balance))),
        ("dpd", "row.status_fields", not (status in CLEAN and (dpd or overdue))),
        ("dpd", "row.status_fields", not (status in LATE and not (dpd and overdue))),
        ("oldest_unpaid_due_on", "row.date_order", bool(due) or not dpd),
        ("first_overdue_on", "row.date_order", "first_overdue_on" in days or not dpd),
        ("dpd", "row.dpd_mismatch", not due or bool(row.get("pauses")) or dpd == _since(due, days)),
        ("grant", "row.grant_missing", bool(row.get("grant") or row.get("basis"))),
    )
    return [(field, code) for field, code, holds in rules if not holds]


def _since(due: date, days: Mapping[str, date]) -> int:
    return max(0, (days["as_of"] - due).days)


def _day(value: object) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
