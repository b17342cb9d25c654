"""Collection in strata (分层催收): who is spoken to, how, and who is left alone.

In:  the loans of one book, flags from a file of the member's own, worsening events of its watches.
Out: a tier by days past due, and a treatment. Flags decide the treatment, never the tier.
Source: records.md, section 9.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from exchange_client.book.loans import Loan
from exchange_client.book.tallies import Table, tabulate

TIERS: Final = ("M0", "M1", "M2", "M3", "M4", "M5", "M6", "M7+")
TREATMENTS: Final = (
    *("NONE", "REMIND", "CALL_SOFT", "CALL_FIRM", "AGENCY", "LEGAL"),
    *("SPECIAL_CARE", "HOLD"),
)
# In this order: the first that an account has decides.
FLAGS: Final[Mapping[str, str]] = {
    "DECEASED": "HOLD",
    "FRAUD_VICTIM": "HOLD",
    "DISPUTED": "HOLD",
    "PAUSED": "HOLD",
    "VULNERABLE": "SPECIAL_CARE",
    "LITIGATION": "LEGAL",
}
CALLS: Final = frozenset({"REMIND", "CALL_SOFT", "CALL_FIRM", "AGENCY"})  # never of a flagged one
WORSENING: Final = frozenset({"ENTERED_ARREARS", "BUCKET_UP", "NEW_LENDER"})
RAISED_DAYS: Final = 30
_BY_TIER: Final = dict(
    zip(
        TIERS,
        ("NONE", "REMIND", "CALL_SOFT", "CALL_FIRM", "AGENCY", "AGENCY", "AGENCY", "LEGAL"),
        strict=True,
    )
)
_RAISED: Final = {"M1": "CALL_SOFT", "M2": "CALL_FIRM", "M3": "CALL_FIRM"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What a watch told of an account, as plain values."""

    kind: str  # e.g. BUCKET_UP
    account_ref: str
    day: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Stratum:
    """Where one account stands in collection, and why."""

    loan: Loan
    treatment: str
    flag: str  # that decided, "" for none
    raised: bool  # by a worsening event, for 30 days

    @property
    def tier(self) -> str:
        """The tier, by days past due alone."""
        return self.loan.tier


def treatment_of(tier: str, flags: Collection[str], *, raised: bool) -> tuple[str, str]:
    """Return the treatment of an account, and the flag that decided it.

    Args:
        raised: a watch told in the last 30 days that the borrower does worse elsewhere.
    """
    for flag, treatment in FLAGS.items():
        if flag in flags:
            return treatment, flag
    return (_RAISED.get(tier) if raised else None) or _BY_TIER[tier], ""


def strata(
    loans: Iterable[Loan],
    flags: Mapping[str, Collection[str]],
    events: Iterable[Event] = (),
    *,
    today: date,
) -> list[Stratum]:
    """Give each account that is still held its treatment.

    Args:
        flags: by account_ref, from the member's own file; those of the rows are added.
        today: an event counts on its day and the 29 after.
    """
    raised = {
        event.account_ref
        for event in events
        if event.kind in WORSENING and 0 <= (today - event.day).days < RAISED_DAYS
    }
    return [
        _stratum(loan, {*loan.flags, *flags.get(loan.account_ref, ())}, loan.account_ref in raised)
        for loan in loans
        if loan.held
    ]


def _stratum(loan: Loan, flags: Collection[str], worse: bool) -> Stratum:
    treatment, flag = treatment_of(loan.tier, flags, raised=worse)
    raised = worse and not flag and loan.tier in _RAISED
    return Stratum(loan=loan, treatment=treatment, flag=flag, raised=raised)


def strata_table(found: Iterable[Stratum], *, outward: bool = False) -> Table:
    """Sum up by tier and treatment."""
    listed = list(found)
    treatments = {one.loan.account_ref: one.treatment for one in listed}
    return tabulate(
        [one.loan for one in listed],
        (TIERS, lambda loan: loan.tier),
        (TREATMENTS, lambda loan: treatments[loan.account_ref]),
        outward=outward,
    )


def misplaced(
    found: Iterable[Stratum], placed: Mapping[str, str], allowed: Collection[str]
) -> dict[str, str]:
    """Return what is wrong with the accounts given to collectors, by account_ref.

    Args:
        placed: the collector to whom an account was given, by account_ref.
        allowed: the collectors on the member's allow-list.
    """
    treatments = {one.loan.account_ref: one.treatment for one in found}
    wrong = {}
    for account, collector in placed.items():
        treatment = treatments.get(account, "NONE")
        if collector not in allowed:
            wrong[account] = "its collector is not on the allow-list"
        elif treatment != "AGENCY":
            wrong[account] = f"is not for a collector: {treatment}"
    return wrong
