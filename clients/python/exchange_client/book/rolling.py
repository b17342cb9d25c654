"""How balances moved from one month end to the next: roll rates.

    R[i][j] = balance at t-1 of accounts in i then and in j at t / balance in i at t-1

In:  books of following months. Files decide, for only they hold balances; a history is compared.
Out: a RollMonth for each step, and the mean of the last 12, whose rows add up to 1 exactly.
Source: records.md, section 15.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from exchange_client.book.loans import STATES, Loan, month_text
from exchange_client.book.reading import Book
from exchange_client.book.suppressing import TOTAL, Amounts, Cell, withheld
from exchange_client.errors import UsageError

MEAN_MONTHS: Final = 12
_SETTLED: Final = STATES.index("C")
_UNREPORTED: Final = STATES.index("X")

Matrix = tuple[tuple[Fraction, ...], ...]
Moves = tuple[tuple[int, ...], ...]  # minor units


@dataclass(frozen=True, slots=True, kw_only=True)
class RollMonth:
    """One step: what stood in each state the month before, and where it stands now."""

    month: int  # the later one
    moved: Moves  # minor units, by state before and state now
    opened_minor: int  # of accounts that the month before did not know
    differs: int  # accounts whose history now tells another state of the month before
    hidden: frozenset[Cell]  # what is withheld, by the letters of the states

    def base(self, before: int) -> int:
        """Return what stood in a state the month before."""
        return sum(self.moved[before])

    def rates(self, before: int) -> tuple[Fraction, ...] | None:
        """Return where a state went, as shares; None where nothing stood in it."""
        base = self.base(before)
        return tuple(Fraction(one, base) for one in self.moved[before]) if base else None


@dataclass(frozen=True, slots=True)
class _Known:
    state: int
    balance_minor: int
    subject: int


def roll(books: Iterable[Book], *, outward: bool = False) -> Iterator[RollMonth]:
    """Follow each account from month to month.

    An account that no file tells of any more is in X with its last balance until one does again;
    a settled one needs no telling. A sold one is in the state of its sale in that month, then gone.

    Raises:
        UsageError: the months leave one out.
    """
    held: dict[str, _Known] = {}
    last: int | None = None
    for book in books:
        if last is not None and book.month != last + 1:
            raise UsageError(f"no file of {month_text(last + 1)}: rolls go from month to month")
        steps, held = _step(book, held)
        if last is not None:
            yield steps.closed(book.month, outward=outward)
        last = book.month


class _Steps:
    """The moves of one month while they are counted."""

    def __init__(self) -> None:
        self._by_subject: dict[tuple[int, int], Amounts] = defaultdict(Counter)
        self.opened_minor = 0
        self.differs = 0

    def add(self, before: _Known, state: int) -> None:
        self._by_subject[before.state, state][before.subject] += before.balance_minor

    def closed(self, month: int, *, outward: bool) -> RollMonth:
        inner = {
            (STATES[before], STATES[now]): amounts
            for (before, now), amounts in self._by_subject.items()
        }
        every = range(len(STATES))
        return RollMonth(
            month=month,
            moved=tuple(
                tuple(sum(self._by_subject[before, now].values()) for now in every)
                for before in every
            ),
            opened_minor=self.opened_minor,
            differs=self.differs,
            hidden=withheld(STATES, STATES, inner) if outward else frozenset(),
        )


def _step(book: Book, held: dict[str, _Known]) -> tuple[_Steps, dict[str, _Known]]:
    steps, now = _Steps(), dict[str, _Known]()
    for loan in book.loans.values():
        if not loan.counts or (loan.status == "SOLD" and loan.closed != book.month):
            held.pop(loan.account_ref, None)
            continue
        before = held.pop(loan.account_ref, None) or held.pop(loan.previous_ref, None)
        if before is None:
            steps.opened_minor += loan.balance_minor
        else:
            steps.add(before, loan.state)
            steps.differs += _differs(loan, before)
        if loan.status != "SOLD":
            now[loan.account_ref] = _Known(loan.state, loan.balance_minor, loan.subject)
    for account, before in held.items():
        if before.state != _SETTLED:
            steps.add(before, _UNREPORTED)
            now[account] = _Known(_UNREPORTED, before.balance_minor, before.subject)
    return steps, now


def _differs(loan: Loan, before: _Known) -> bool:
    told = loan.told[1:2].translate({ord("N"): "0", ord("*"): "0", ord("M"): "0", ord("A"): "0"})
    return (
        told not in ("", "#", "/") and before.state != _UNREPORTED and told != STATES[before.state]
    )


def mean(months: Sequence[RollMonth]) -> Matrix:
    """Return the mean of the last 12 months.

    Each state is averaged over the months in which anything stood in it; one that never held
    anything stays as it is. The rows add up to 1 exactly.

    Raises:
        UsageError: there is no month.
    """
    if not months:
        raise UsageError("a roll rate needs the files of two following months")
    rows = []
    for before in range(len(STATES)):
        seen = [one for month in months[-MEAN_MONTHS:] if (one := month.rates(before))]
        if seen:
            rows.append(tuple(sum(column) / len(seen) for column in zip(*seen, strict=True)))
        else:
            rows.append(tuple(Fraction(now == before) for now in range(len(STATES))))
    return tuple(rows)


def mean_hidden(months: Sequence[RollMonth]) -> frozenset[Cell]:
    """Return which cells of the mean are withheld: those that are so in any month of it."""
    found = frozenset[Cell]().union(*(month.hidden for month in months[-MEAN_MONTHS:]))
    whole = {(row, now) for row, column in found if column == TOTAL for now in STATES}
    return frozenset(cell for cell in found | whole if TOTAL not in cell)
