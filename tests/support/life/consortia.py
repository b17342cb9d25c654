"""Synthetic consortia for tests of reports: accounts of subjects, as they lie under the seal."""

from __future__ import annotations

from datetime import date

import msgspec
from hypothesis import strategies as st

from exchange.domain.records import (
    TERMINAL,
    Product,
    RecordPayload,
    Status,
    SubjectRole,
    status_bucket,
)
from exchange.domain.reports.consortium import Account, Consortium
from exchange_client.book.loans import Loan
from tests.support.rows import payload

MEMBERS = ("lender-a", "lender-b", "lender-c", "lender-d")
AS_OF = date(2026, 3, 31)
_PAID = {Status.SETTLED, Status.GUARANTOR_PAID, Status.ASSET_SETTLED}
_LIVING = sorted(set(Status) - {Status.DELETED_ERROR, Status.DELETED_FRAUD})
_LATE = {Status.OVERDUE, Status.LITIGATION, Status.CHARGED_OFF}


def record(status: Status = Status.CURRENT, dpd: int = 0, **said: object) -> RecordPayload:
    """Return what one account says; a record that is paid off owes nothing."""
    told: dict[str, object] = {"balance_minor": 0} if status in _PAID else {}
    made = payload(status=status, dpd=dpd)
    fields = {"bucket": status_bucket(status, dpd), **told, **said}
    return msgspec.structs.replace(made, **fields)


@st.composite
def records(draw: st.DrawFn) -> RecordPayload:
    """Draw what an account may say."""
    status = draw(st.sampled_from(_LIVING))
    edges = st.sampled_from((1, 29, 30, 31, 60, 61, 90, 91, 180, 270, 271, 360, 361, 9_999))
    late = status in _LATE or (status not in _PAID | {Status.CURRENT} and draw(st.booleans()))
    balance = 0 if status in _PAID else draw(st.integers(0, 10**15))
    return record(
        status,
        draw(edges) if late else 0,
        balance_minor=balance,
        overdue_minor=draw(st.integers(0, balance)) if late else 0,
        five_class=draw(st.none() | st.integers(1, 5)),
        product=draw(st.sampled_from(Product)),
        role=draw(st.sampled_from((SubjectRole.BORROWER, *SubjectRole))),
        currency=draw(st.sampled_from(("CNY", "CNY", "CNY", "USD"))),
    )


@st.composite
def accounts(draw: st.DrawFn) -> Account:
    """Draw an account now and at the snapshot before."""
    then, told_now, told_then = draw(st.none() | records()), draw(st.booleans()), False
    now = draw(records()) if then is None or told_now else then
    if then is not None:
        told_then = draw(st.booleans())
        then = msgspec.structs.replace(then, role=now.role, currency=now.currency)
        now = now if told_now else then
    return Account(draw(st.sampled_from(MEMBERS)), now, then, told_now or then is None, told_then)


def counted(subjects: list[list[Account]]) -> Consortium:
    """Count subjects in."""
    sums = Consortium(currency="CNY")
    for number, each in enumerate(subjects):
        sums.add_subject(number.to_bytes(32, "big"), each)
    return sums


def names(sums: Consortium) -> dict[bytes, str]:
    """Name the debtors that are listed."""
    return {one.token_index: f"p:{one.token_index[-16:].hex()}" for one in sums.cross.listed}


def loan(account: str, subject: int, said: RecordPayload) -> Loan:
    """Return the same account as the SDK reads it from a member's own file."""
    return Loan(
        account_ref=account,
        previous_ref="",
        subject=subject,
        counts=said.role is SubjectRole.BORROWER,
        product=said.product,
        status=said.status,
        opened=24_000,
        closed=AS_OF.year * 12 + AS_OF.month - 1 if said.status in TERMINAL else None,
        as_of=AS_OF,
        principal_minor=said.principal_minor,
        balance_minor=said.balance_minor,
        overdue_minor=said.overdue_minor,
        dpd=said.dpd,
        five_class=said.five_class,
        told="",
        flags=frozenset(),
    )
