"""Lend first, ask later: was each loan looked at before it was paid out?

In:  loans, looks, and when a quorum of witnesses had seen the log at which size.
Out: a class for each loan, and the looks that show it.
No server clock decides: a look is *at the latest* of hi, the first quorum time on a checkpoint that
covers it, and *at the earliest* of lo, the first quorum time on the checkpoint that it named as the
last it had seen. Where there was no quorum the exchange's own `t` stands in, and the row says so.
A later or back-dated look cannot clear a loan, for hi is the witnesses' time and not ours.
Source: log.md, 14; records.md, 14.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

DAY_SECONDS = 86_400
GRACE_SECONDS = 60  # witnesses come every few seconds
FRESH_SECONDS = 30 * DAY_SECONDS  # an older look says nothing of the borrower any more
LATE_SECONDS = 30 * DAY_SECONDS
LOANS_MIN = 20  # a month with fewer has counts and no ratio
OPENED_EVENT = "opened"  # of a `record` entry: an account that no disbursement tells of


class Check(StrEnum):
    """When a loan was looked at."""

    IN_TIME = "IN_TIME"
    STALE = "STALE"
    LATE = "LATE"
    NEVER = "NEVER"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loan:
    """A loan that was paid out, as its member reported it."""

    index: int  # of the entry that reports it
    member: str
    subject: str  # pseudonym
    account: str  # the member's own reference
    paid_at: int  # unix seconds
    disbursed: bool  # reported as paid out; else a record alone tells of the account

    @property
    def month(self) -> str:
        """The month (UTC) in which it was paid out: `2026-11`."""
        return datetime.fromtimestamp(self.paid_at, UTC).strftime("%Y-%m")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanLook:
    """A look of a member at a subject that it might lend to."""

    index: int
    member: str
    subject: str
    t: int  # unix seconds, by the exchange's clock
    after: int | None  # size of the checkpoint that the asker had seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A loan and when it was looked at."""

    loan: Loan
    check: Check
    look: LoanLook | None  # that shows it; None: there was none
    hi: int | None  # unix seconds
    lo: int | None
    witnessed: bool  # no clock of the exchange was needed


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """A member's loans of a month."""

    member: str
    month: str
    loans: tuple[Judged, ...] = field(default=())

    def count(self, check: Check) -> int:
        """Count the loans of a class."""
        return sum(one.check is check for one in self.loans)

    @property
    def unchecked(self) -> int:
        """Loans that were looked at too late or never."""
        return self.count(Check.LATE) + self.count(Check.NEVER)


class WitnessTimes:
    """When a quorum had seen the log at which size."""

    def __init__(self, quorums: Iterable[tuple[int, int]]) -> None:
        """Take (size, first quorum time), in any order."""
        self._at: dict[int, int] = {}
        for size, at in quorums:
            self._at[size] = min(at, self._at.get(size, at))
        self._sizes = sorted(self._at)
        self._first_above: list[int] = []
        earliest = None
        for size in reversed(self._sizes):
            at = self._at[size]
            earliest = at if earliest is None else min(earliest, at)
            self._first_above.append(earliest)
        self._first_above.reverse()

    def hi(self, index: int) -> int | None:
        """Return the first time a quorum had seen an entry."""
        low, high = 0, len(self._sizes)
        while low < high:  # The first size beyond the index.
            middle = (low + high) // 2
            if self._sizes[middle] > index:
                high = middle
            else:
                low = middle + 1
        return self._first_above[low] if low < len(self._sizes) else None

    def lo(self, size: int | None) -> int | None:
        """Return the first time a quorum had seen the checkpoint of a size."""
        return None if size is None else self._at.get(size)


def judge(loans: Iterable[Loan], looks: Iterable[LoanLook], times: WitnessTimes) -> list[Judged]:
    """Say of each loan when it was looked at.

    An account that records tell of counts once, and not at all where a disbursement does.
    """
    about: dict[tuple[str, str], list[LoanLook]] = {}
    for look in looks:
        about.setdefault((look.member, look.subject), []).append(look)
    return [
        _judge(loan, about.get((loan.member, loan.subject), []), times) for loan in _once(loans)
    ]


def months(judged: Iterable[Judged]) -> list[Month]:
    """Gather judged loans by member and month."""
    found: dict[tuple[str, str], list[Judged]] = {}
    for one in judged:
        found.setdefault((one.loan.member, one.loan.month), []).append(one)
    return [
        Month(member=member, month=month, loans=tuple(loans))
        for (member, month), loans in sorted(found.items())
    ]


def _once(reported: Iterable[Loan]) -> list[Loan]:
    loans = sorted(reported, key=lambda loan: loan.index)
    known = {(loan.member, loan.account) for loan in loans if loan.disbursed}
    counted = []
    for loan in loans:
        account = (loan.member, loan.account)
        if loan.disbursed or account not in known:
            counted.append(loan)
            known.add(account)
    return counted


def _judge(loan: Loan, looks: Sequence[LoanLook], times: WitnessTimes) -> Judged:
    """Try the classes from the best on; of several looks the newest shows it."""
    newest_first = sorted(looks, key=lambda look: -look.index)
    bounds = [(look, *_bounds(look, times)) for look in newest_first]
    paid = loan.paid_at
    tests: Mapping[Check, list[bool]] = {
        Check.IN_TIME: [
            hi <= paid + GRACE_SECONDS and lo >= paid - FRESH_SECONDS for _, hi, lo, _ in bounds
        ],
        Check.STALE: [hi <= paid for _, hi, _, _ in bounds],
        Check.LATE: [paid < hi <= paid + LATE_SECONDS for _, hi, _, _ in bounds],
    }
    for check, holds in tests.items():
        for (look, hi, lo, witnessed), held in zip(bounds, holds, strict=True):
            if held:
                return Judged(loan=loan, check=check, look=look, hi=hi, lo=lo, witnessed=witnessed)
    return Judged(loan=loan, check=Check.NEVER, look=None, hi=None, lo=None, witnessed=True)


def _bounds(look: LoanLook, times: WitnessTimes) -> tuple[int, int, bool]:
    hi, lo = times.hi(look.index), times.lo(look.after)
    return (
        look.t if hi is None else hi,
        look.t if lo is None else lo,
        hi is not None and lo is not None,
    )
