"""How the loans of each month of opening went bad with age: vintages.

    V(v, k) = principal opened in v that reached bucket 4 by month k on book / all opened in v

In:  books of any months, oldest first. Here histories count: they know month ends that no file
     tells of. Where two files tell of one month, the newer one's word stands.
Out: a Vintage for each month of opening. V never falls in k.
Source: records.md, section 15.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

from exchange_client.book.loans import Loan, month_of, ratio
from exchange_client.book.reading import Book
from exchange_client.book.suppressing import Amounts, unsafe

BAD: Final = frozenset("4567BDZ")  # more than 90 days past due, or lost
UNKNOWN: Final = "#"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vintage:
    """The loans opened in one month."""

    month: int
    loans: int
    principal_minor: int | None  # None: withheld
    bad_minor: tuple[int | None, ...]  # by month k on book, from 0; None: withheld
    untold: int  # loans with months on book that nobody told, or after which nobody told more

    def rate(self, k: int) -> Fraction | None:
        """Return V(v, k), or None where it is withheld or nothing was opened."""
        bad = self.bad_minor[k]
        if bad is None or self.principal_minor is None:
            return None
        return ratio(bad, self.principal_minor)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Life:
    subject: int
    opened: int  # month
    principal_minor: int
    newest: int  # month
    months: str  # newest first
    over: bool  # settled, sold or otherwise closed


def vintages(books: Iterable[Book], *, outward: bool = False) -> list[Vintage]:
    """Sum up each month of opening; all loans that any file tells of count, also closed ones."""
    lives: dict[str, _Life] = {}
    last = 0
    for book in books:
        last = book.month
        for loan in book.loans.values():
            if loan.counts:
                known = lives.pop(loan.account_ref, None) or lives.pop(loan.previous_ref, None)
                lives[loan.account_ref] = _life(loan, known)
    of_month: dict[int, list[_Life]] = {}
    for life in lives.values():
        of_month.setdefault(life.opened, []).append(life)
    return [_vintage(month, of_month[month], last, outward) for month in sorted(of_month)]


def _life(loan: Loan, known: _Life | None) -> _Life:
    newest = month_of(loan.as_of)
    # A sale ends a history with `G`, which hides how bad the debt was when it was sold.
    told = loan.character + loan.told[1:] if loan.status == "SOLD" else loan.told or loan.character
    life = _Life(
        subject=loan.subject,
        opened=loan.opened,
        principal_minor=loan.principal_minor,
        newest=newest,
        months=told,
        over=not loan.held,
    )
    return replace(life, months=_joined(told, newest, known)) if known else life


def _joined(told: str, newest: int, known: _Life) -> str:
    """Put a newer word before what was known."""
    gap = newest - known.newest
    before = UNKNOWN * gap + known.months if gap >= 0 else known.months[-gap:]
    head = "".join(old if new == UNKNOWN else new for new, old in zip(told, before, strict=False))
    longer = told if len(told) > len(before) else before
    return head + longer[len(head) :]


def _vintage(month: int, lives: Sequence[_Life], last: int, outward: bool) -> Vintage:
    ages = range(last - month + 1)
    fallen: dict[int, Amounts] = {}
    everyone: Amounts = Counter()
    for life in lives:
        everyone[life.subject] += life.principal_minor
        age = _bad_age(life)
        if age is not None:
            fallen.setdefault(age, Counter())[life.subject] += life.principal_minor
    by_age = [fallen.get(k, Counter()) for k in ages]
    shown = _cautious(by_age, everyone) if outward else [True for _ in ages]
    bad, running = list[int | None](), 0
    for amounts, may in zip(by_age, shown, strict=True):
        running += sum(amounts.values())
        bad.append(running if may else None)
    return Vintage(
        month=month,
        loans=len(lives),
        principal_minor=None if outward and unsafe(everyone) else sum(everyone.values()),
        bad_minor=tuple(bad),
        untold=sum(_untold(life, last) for life in lives),
    )


def _bad_age(life: _Life) -> int | None:
    """Return the age in months at which a loan first was bad."""
    at = max((k for k, one in enumerate(life.months) if one in BAD), default=None)
    return None if at is None else max(0, life.newest - at - life.opened)


def _untold(life: _Life, last: int) -> bool:
    age = life.newest - life.opened + 1
    return (
        UNKNOWN in life.months or len(life.months) < age or (life.newest < last and not life.over)
    )


def _cautious(by_age: Sequence[Amounts], everyone: Amounts) -> list[bool]:
    """Tell at which ages the running sum may be told.

    Two that are told give their difference away, and each gives away what is left of the whole:
    both must be empty or safe. Where the whole is unsafe, one of them always is.
    """
    told = list[bool]()
    waiting, left = Counter[int](), Counter(everyone)
    for amounts in by_age:
        waiting.update(amounts)
        left.subtract(amounts)
        rest = Counter({subject: amount for subject, amount in left.items() if amount})
        told.append(not unsafe(waiting) and not unsafe(rest))
        if told[-1]:
            waiting = Counter()
    return told
