"""The form of a row: each field's type, range and pattern, and the code of the fault."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Final

from exchange_client.validating.reading import Twice

Flaw = tuple[str, str]  # field, code

AMOUNT_MINOR_MAX: Final = 10**15
DPD_MAX: Final = 20_000
ROLES: Final = frozenset({"borrower", "co_borrower", "guarantor"})
PRODUCTS: Final = frozenset(
    {
        *("cash_loan", "instalment", "bullet_loan", "credit_line", "line_draw", "credit_card"),
        *("bnpl", "auto_loan", "mortgage", "business_loan", "lease", "guarantee_claim"),
        "assigned_debt",
    }
)
STATUSES: Final = frozenset(
    {
        *("CURRENT", "OVERDUE", "PAUSED", "RESTRUCTURED", "LITIGATION", "CHARGED_OFF"),
        *("GUARANTOR_PAID", "ASSET_SETTLED", "SOLD", "SETTLED", "DELETED_ERROR", "DELETED_FRAUD"),
    }
)
PAUSE_CAUSES: Final = frozenset({"DISASTER", "RELIEF_POLICY", "DISPUTE", "COURT"})
CHANNELS: Final = frozenset({"SMS", "EMAIL", "APP", "POST", "IN_PERSON", "CALL_RECORDED"})
DELIVERIES: Final = frozenset({"DELIVERED", "SENT", "FAILED"})
GROUNDS: Final = frozenset(
    {
        *("SAME_EPISODE", "UNREACHABLE", "EMIGRATED", "IMPRISONED", "CHARGED_OFF"),
        "DEAD_OR_MISSING",
    }
)
SERVER_FIELDS: Final = frozenset(
    {
        *("record_id", "version", "submitted_at", "batch", "class_floor", "dispute_state"),
        *("statement", "ended_on", "purge_on", "suppressed"),
    }
)
FAULTS_A_ROW_MAX: Final = 8
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_UUID = r"[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}"
_SHOWN_NAME = re.compile(r"[a-z_]{1,40}")

Test = Callable[[object], bool]


def is_date(value: object) -> bool:
    """Tell whether this is `YYYY-MM-DD`, a real day."""
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _integer(low: int, high: int) -> Test:
    return lambda value: type(value) is int and low <= value <= high


def _text(pattern: str) -> Test:
    compiled = re.compile(pattern)
    return lambda value: isinstance(value, str) and bool(compiled.fullmatch(value))


def _one_of(words: frozenset[str]) -> Test:
    return lambda value: isinstance(value, str) and value in words


def _or_null(test: Test) -> Test:
    return lambda value: value is None or test(value)


def _object(required: Mapping[str, Test], optional: Mapping[str, Test] | None = None) -> Test:
    known = {**required, **(optional or {})}

    def test(value: object) -> bool:
        return (
            isinstance(value, dict)
            and required.keys() <= value.keys() <= known.keys()
            and all(known[name](member) for name, member in value.items())
        )

    return test


def _list(of: Test, low: int, high: int) -> Test:
    return lambda value: (
        isinstance(value, list) and low <= len(value) <= high and all(map(of, value))
    )


_ACCOUNT = _text(r"(?![0-9]+\Z)[A-Za-z0-9_.:-]{1,64}")
_AMOUNT = _integer(0, AMOUNT_MINOR_MAX)
_TOKEN = _object(
    {
        "kind": _one_of(frozenset({"identity", "contact"})),
        "value": _text(r"[A-Za-z0-9_-]{85}[AQgw]"),
    }
)
_PAUSE = _object({"from": is_date, "to": is_date, "cause": _one_of(PAUSE_CAUSES)})
_NOTICE = _object(
    {
        "sent_at": _integer(0, 2**40),
        "channel": _one_of(CHANNELS),
        "template": _text(r"[A-Za-z0-9_.:@-]{1,64}"),
        "delivery": _one_of(DELIVERIES),
    },
    {"ground": _or_null(_one_of(GROUNDS))},
)

# Field -> whether it must be there, its test, the code where it fails; in the order of a row.
PUT: Final[Mapping[str, tuple[bool, Test, str]]] = {
    "account_ref": (True, _ACCOUNT, "row.account_ref"),
    "tokens": (True, _list(_TOKEN, 1, 4), "row.token"),
    "role": (True, _one_of(ROLES), "row.code"),
    "product": (True, _one_of(PRODUCTS), "row.code"),
    "as_of": (True, is_date, "row.date"),
    "opened_on": (True, is_date, "row.date"),
    "closed_on": (False, _or_null(is_date), "row.date"),
    "oldest_unpaid_due_on": (False, _or_null(is_date), "row.date"),
    "first_overdue_on": (False, _or_null(is_date), "row.date"),
    "currency": (True, _text(r"[A-Z]{3}"), "row.currency"),
    "principal_minor": (True, _AMOUNT, "row.amount"),
    "balance_minor": (True, _AMOUNT, "row.amount"),
    "overdue_minor": (True, _AMOUNT, "row.amount"),
    "dpd": (True, _integer(0, DPD_MAX), "row.shape"),
    "bucket": (False, _integer(0, 7), "row.bucket_mismatch"),
    "status": (True, _one_of(STATUSES), "row.code"),
    "status_on": (False, _or_null(is_date), "row.date"),
    "five_class": (False, _or_null(_integer(1, 5)), "row.code"),
    "history": (False, _text(r"[N*MA1-7BDZCG#/]{1,60}"), "row.history_form"),
    "pauses": (False, _list(_PAUSE, 0, 12), "row.pause"),
    "grant": (False, _text(rf"gnt_{_UUID}"), "row.shape"),
    "basis": (False, _text(r"[a-z_]{1,32}"), "row.code"),
    "notice": (False, _or_null(_NOTICE), "row.shape"),
    "reason": (
        False,
        _or_null(_one_of(frozenset({"AMEND", "RENUMBER", "TRANSFER_IN"}))),
        "row.code",
    ),
    "previous_ref": (False, _or_null(_ACCOUNT), "row.account_ref"),
    "transfer_id": (
        False,
        _or_null(_text(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")),
        "row.transfer",
    ),
}
DELETE: Final[Mapping[str, tuple[bool, Test, str]]] = {
    "account_ref": PUT["account_ref"],
    "reason": (True, _one_of(frozenset({"DELETE_ERROR", "DELETE_FRAUD"})), "row.code"),
    "as_of": PUT["as_of"],
}


def form_flaws(row: Mapping[str, object]) -> list[Flaw]:
    """Return what is wrong with the form of a row, at most 8."""
    op = row.get("op")
    form = DELETE if op == "DELETE" else PUT
    flaws: list[Flaw] = [("", "row.duplicate_field")] if isinstance(row, Twice) else []
    flaws += [] if op in ("PUT", "DELETE") else [("op", _op_code(op))]
    for name, (required, test, code) in form.items():
        if name not in row:
            flaws += [(name, "row.shape")] if required else []
        elif not test(row[name]):
            flaws.append((name, code))
    flaws += [_stranger(name, form) for name in row if name != "op" and name not in form]
    return flaws[:FAULTS_A_ROW_MAX]


def _op_code(op: object) -> str:
    return "row.code" if isinstance(op, str) else "row.shape"


def _stranger(name: str, form: Mapping[str, object]) -> Flaw:
    if name in SERVER_FIELDS:
        return (name, "row.server_field")
    if form is DELETE and name in PUT:
        return (name, "row.shape")
    return (name if _SHOWN_NAME.fullmatch(name) else "unknown", "row.unknown_field")
