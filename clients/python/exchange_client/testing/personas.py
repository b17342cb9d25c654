"""Documented synthetic borrowers, each with the answer that an outsider gets about it.

Their numbers are valid in form and nobody's: resident IDs of a region that was never issued.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from stdnum.cn import ric, uscc

from exchange_client.answers import Outcome
from exchange_client.identifiers import Identifier

LENDERS: Final = ("fake-lender-1", "fake-lender-2", "fake-lender-3", "fake-lender-4")
Rows = Mapping[str, Mapping[str, object]]  # lender -> its row


@dataclass(frozen=True, slots=True, kw_only=True)
class Persona:
    """One synthetic borrower, and what is answered under `credit_application` with a grant."""

    name: str
    says: str
    identifiers: tuple[Identifier, ...]
    outcome: Outcome
    rows: Rows = field(repr=False)
    grant_ends: str = ""  # WITHDRAWN or EXPIRED: what becomes of a grant that is made for it
    disputed: bool = False


def personas(today: date) -> dict[str, Persona]:
    """Return every persona by its name, with rows as of this day."""
    one, two, three, four = LENDERS
    late, clean = _overdue(today, 30), _current(today)
    phone = Identifier.parse("mobile", "ZZ", "+86 139 0000 0001")
    adverse, withheld = Outcome.ADVERSE, Outcome.WITHHELD
    table: tuple[tuple[str, str, tuple[Identifier, ...], Outcome, Rows], ...] = (
        ("clean", "always on time", (_ric(1),), Outcome.NO_ADVERSE, {one: clean}),
        ("one_lender_30", "30 days late at one lender", (_ric(2), phone), adverse, {one: late}),
        (
            "three_lenders",
            "late at three lenders",
            (_ric(3),),
            adverse,
            {one: late, two: _overdue(today, 45), three: _overdue(today, 95)},
        ),
        ("cured", "was late, has paid", (_ric(4),), adverse, {one: _cured(today)}),
        ("disputed", "late, and disputes it", (_ric(5),), adverse, {one: late}),
        ("grant_withdrawn", "withdrew the grant", (_ric(6),), withheld, {one: late}),
        ("grant_expired", "the grant has run out", (_ric(7),), withheld, {one: late}),
        ("paused", "payments are paused", (_ric(8),), Outcome.NO_ADVERSE, {one: _paused(today)}),
        ("no_data", "nobody reports it", (_ric(9),), Outcome.NO_DATA, {}),
        ("company", "a company, late", (_company(),), adverse, {two: late}),
        ("guarantor", "stands in for a late loan", (_ric(10),), adverse, {four: _surety(today)}),
        ("recycled_phone", "its mobile was another's", (_ric(11), phone), Outcome.NO_DATA, {}),
        ("indian", "PAN, always on time", (_pan(),), Outcome.NO_ADVERSE, {three: clean}),
        ("traveller", "passport, late", (_passport(),), adverse, {three: late}),
    )
    ends = {"grant_withdrawn": "WITHDRAWN", "grant_expired": "EXPIRED"}
    return {
        name: Persona(
            name=name,
            says=says,
            identifiers=identifiers,
            outcome=outcome,
            rows=rows,
            grant_ends=ends.get(name, ""),
            disputed=name == "disputed",
        )
        for name, says, identifiers, outcome, rows in table
    }


def _ric(serial: int) -> Identifier:
    body = f"99999919900101{serial:03d}"
    return Identifier.parse("ric", "CN", body + ric.calc_check_digit(f"{body}0"))


def _company() -> Identifier:
    body = "91999999YYYYYYYY0"
    return Identifier.parse("uscc", "CN", body + uscc.calc_check_digit(f"{body}0"))


def _pan() -> Identifier:
    return Identifier.parse("pan", "IN", "ZZZPZ9999Z")


def _passport() -> Identifier:
    return Identifier.parse("passport", "GB", "ZZ0000001")


def _current(today: date) -> dict[str, object]:
    return {
        "op": "PUT",
        "role": "borrower",
        "product": "cash_loan",
        "as_of": today.isoformat(),
        "opened_on": (today - timedelta(days=500)).isoformat(),
        "currency": "CNY",
        "principal_minor": 1_000_000,
        "balance_minor": 600_000,
        "overdue_minor": 0,
        "dpd": 0,
        "status": "CURRENT",
        "history": "N" * 12,
    }


def _overdue(today: date, days: int) -> dict[str, object]:
    due = today - timedelta(days=days)
    return _current(today) | {
        "oldest_unpaid_due_on": due.isoformat(),
        "first_overdue_on": (due + timedelta(days=1)).isoformat(),
        "overdue_minor": 50_000,
        "dpd": days,
        "status": "OVERDUE",
        "history": "",
    }


def _cured(today: date) -> dict[str, object]:
    return _current(today) | {"history": "NNNN321NNNNN"}


def _paused(today: date) -> dict[str, object]:
    pause = {
        "from": (today - timedelta(days=20)).isoformat(),
        "to": (today + timedelta(days=20)).isoformat(),
        "cause": "RELIEF_POLICY",
    }
    return _current(today) | {"status": "PAUSED", "pauses": [pause]}


def _surety(today: date) -> dict[str, object]:
    return _overdue(today, 30) | {"role": "guarantor"}
