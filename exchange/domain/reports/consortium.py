"""The consortium's report: subject by subject in, two documents out.

In:  every account's newest record, and the one that stood at the snapshot before.
Out: what the regulator reads, whole; and what members read, withheld where it would tell of few.
Kept out: accounts, tokens, names of subjects. Memory holds one subject at a time, and the sums.
Source: records.md, 15.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from exchange.domain.records import Product, RecordPayload
from exchange.domain.reports.classes import (
    CLASSES,
    NON_PERFORMING_CLASS,
    STAGES,
    STATES,
    counts,
    five_class,
    stage,
)
from exchange.domain.reports.lenders import (
    BANDS,
    CROSS_PERCENT_MAX,
    CrossLender,
    Lenders,
    Owed,
    concentration,
)
from exchange.domain.reports.rolling import Rolls, Told
from exchange.domain.reports.suppression import TOTAL, Cell, withheld
from exchange.domain.reports.tables import Figure, Sums, Table, ratio

FORM: Final = "consortium/1"  # the version of the formulas below
LENDERS_MIN: Final = 4  # with fewer that hold balances, members read nothing
PRODUCTS: Final = tuple(sorted(Product))
_BAD: Final = CLASSES[NON_PERFORMING_CLASS - 1 :]


class Account(NamedTuple):
    """One account as a report sees it: now, and at the snapshot before."""

    member: str
    now: RecordPayload
    then: RecordPayload | None  # None: it was not known
    told_now: bool  # a row told it anew since that snapshot
    told_then: bool  # and one between that and the one before it


def _product_table() -> Table:
    return Table(rows=CLASSES, columns=PRODUCTS)


@dataclass(slots=True, kw_only=True)
class Consortium:
    """The sums of one report, while they are counted."""

    currency: str  # others are counted and not summed: a profile has one
    accounts: int = 0  # open ones of borrowers
    other_currency: int = 0
    subjects: int = 0  # that were counted in
    classes: Table = field(default_factory=lambda: Table(rows=CLASSES, columns=()))
    stages: Table = field(default_factory=lambda: Table(rows=STAGES, columns=()))
    products: Table = field(default_factory=_product_table)
    lenders: Lenders = field(default_factory=Lenders)
    cross: CrossLender = field(default_factory=CrossLender)
    rolls: Rolls = field(default_factory=Rolls)

    def add_subject(self, token_index: bytes, accounts: Sequence[Account]) -> None:
        """Count all accounts of one subject in."""
        owed = []
        self.subjects += 1
        subject = self.subjects
        for one in accounts:
            if not counts(one.now):
                continue
            if one.now.currency != self.currency:
                self.other_currency += one.now.open
                continue
            self._roll(subject, one)
            if one.now.open:
                self._hold(subject, one.member, one.now)
                owed.append(_owed(one.member, one.now))
        if owed:
            self.lenders.add(subject, owed)
            self.cross.add(token_index, owed)

    def _hold(self, subject: int, member: str, now: RecordPayload) -> None:
        """Count an open account."""
        class_ = str(five_class(now))
        self.accounts += 1
        for sums in (
            self.classes.cell(class_, member),
            self.stages.cell(str(stage(now)), member),
            self.products.cell(class_, now.product),
        ):
            sums.accounts += 1
            sums.balance_minor += now.balance_minor
            sums.overdue_minor += now.overdue_minor
        self.products.crowd(class_, now.product).add(subject, member, now.balance_minor)

    def _roll(self, subject: int, account: Account) -> None:
        then = account.then
        if then is None:
            self.rolls.add_new(account.now)
        else:
            told = Told(then=account.told_then, now=account.told_now)
            self.rolls.add(subject, account.member, (then, account.now), told)

    def shown(self, names: Mapping[bytes, str], lend_first: Figure) -> dict[str, Figure]:
        """Write what the regulator reads.

        Args:
            names: the pseudonyms of the debtors that `cross` lists, by their token index.
            lend_first: months of loans, as the log was judged.
        """
        sums = self.classes.with_totals()
        return {
            "accounts": self.accounts,
            "other_currency": self.other_currency,
            "classes": self.classes.shown(),
            "stages": self.stages.shown(),
            "products": self.products.shown(),
            "npl_ratio": {one: _npl_ratio(sums, one) for one in (*self.classes.occurring, TOTAL)},
            "lenders": self._lenders(),
            "lender_hhi": concentration(self._balances()),
            "cross_lender": self._cross_lender(names),
            "lend_first": lend_first,
            "rolls": {"states": STATES, **self.rolls.shown()},
        }

    def shown_outward(self) -> dict[str, Figure]:
        """Write what members read. Of cross-lender debtors and of single members: nothing."""
        balances = self._balances()
        whole = len(balances) >= LENDERS_MIN
        products, hidden = self.products.shown_outward(whole=whole)
        told = not any((row, TOTAL) in hidden for row in (*CLASSES, TOTAL))
        npl_ratio = _npl_ratio(self.products.with_totals(), TOTAL) if told else None
        return {
            "products": products,
            "npl_ratio": {TOTAL: npl_ratio},
            "lenders": self._lenders_outward(whole=whole),
            "lender_hhi": concentration(balances) if whole else None,
            "rolls": {"states": STATES, **self.rolls.shown_outward(whole=whole)},
        }

    def _balances(self) -> list[int]:
        """Return what is owed to each member, of those to whom anything is."""
        sums = self.classes.with_totals()
        found = [sums[TOTAL, one].balance_minor for one in self.classes.occurring]
        return [minor for minor in found if minor]

    def _lenders(self) -> dict[str, Figure]:
        found = self.lenders
        bands: dict[str, Figure] = {
            band: {"subjects": found.subjects[band], "balance_minor": found.balances[band]}
            for band in BANDS
        }
        return {**bands, "subjects_of": dict(sorted(found.by_member.items()))}

    def _lenders_outward(self, *, whole: bool) -> dict[str, Figure]:
        crowds = {(band, "all"): crowd for band, crowd in self.lenders.crowds.items()}
        shut = withheld(BANDS, ("all",), crowds)
        return {
            band: None
            if not whole or (band, TOTAL) in shut
            else {"subjects": self.lenders.subjects[band]}
            for band in BANDS
        }

    def _cross_lender(self, names: Mapping[bytes, str]) -> dict[str, Figure]:
        cross = self.cross
        listed: list[Figure] = [
            {
                "subject": names[one.token_index],
                "lenders": one.lenders,
                "balance_minor": one.balance_minor,
                "late_minor": one.late_minor,
                "share": ratio(one.late_minor, one.balance_minor),
            }
            for one in sorted(cross.listed, reverse=True)
        ]
        return {
            "percent_max": CROSS_PERCENT_MAX,
            "debtors": cross.debtors,
            "balance_minor": cross.balance_minor,
            "late_minor": cross.late_minor,
            "share": ratio(cross.late_minor, cross.balance_minor),
            "flagged": cross.flagged,
            "flagged_minor": cross.flagged_minor,
            "better_minor": dict(sorted(cross.better_minor.items())),
            "listed": listed,
        }


def _npl_ratio(sums: Mapping[Cell, Sums], column: str) -> str | None:
    bad = sum(found.balance_minor for row in _BAD if (found := sums.get((row, column))))
    whole = sums.get((TOTAL, column), Sums())
    return ratio(bad, whole.balance_minor)


def _owed(member: str, now: RecordPayload) -> Owed:
    return Owed(
        member=member,
        balance_minor=now.balance_minor,
        dpd=now.dpd,
        five_class=five_class(now),
        product=now.product,
    )
