"""Read a member's book, a month at a time: who owes what at each month end.

In:  files, each of one month: batches as they were sent, or the rows that they were made of.
Out: a Book a month, oldest first; only one is held in memory at a time. A file is read twice: the
     first time to learn its month and which accounts a later file deletes, since what was deleted
     leaves every report.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Final

from exchange_client.batches.rows import draft
from exchange_client.book.files import fault, rows_of, sequence_of
from exchange_client.book.loans import Loan, month_of
from exchange_client.errors import BookInvalid, CxError, UsageError
from exchange_client.validating.checks import Circumstances, Read, check_flaws
from exchange_client.validating.forms import Flaw, form_flaws, is_date

LOANS_MAX: Final = 1_000_000  # of one month
FILES_MAX: Final = 240
# Between the member and the exchange, and nothing to a sum.
_UNASKED: Final = frozenset({"grant", "basis", "notice", "reason", "previous_ref", "transfer_id"})
_STAND_IN: Final = [{"kind": "identity", "value": "A" * 86}]  # for a token not yet made


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file that a report was made from."""

    path: Path
    month: int
    sha256: str  # of the file as it lies there
    rows: int
    sequence: int
    currencies: frozenset[str]
    deleted: frozenset[str] = field(repr=False)  # account_refs


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """All that the files of one month say."""

    month: int
    as_of: date  # the newest day of its rows
    currency: str
    loans: Mapping[str, Loan] = field(repr=False)  # by account_ref
    sources: tuple[Source, ...]

    @property
    def held(self) -> list[Loan]:
        """The loans whose balances count: held, and of the borrower itself."""
        return [loan for loan in self.loans.values() if loan.counts and loan.held]


def read_book(paths: Sequence[Path], *, currency: str | None = None) -> Book:
    """Read the files of one month.

    Raises:
        UsageError: they are of several months.
        BookInvalid: a row breaks the rules of rows.
    """
    sources = survey(paths)
    if len({source.month for source in sources}) > 1:
        raise UsageError("the files are of several months; this looks at one")
    return next(books_of(sources, currency=currency))


def read_books(paths: Sequence[Path], *, currency: str | None = None) -> Iterator[Book]:
    """Read files of several months, oldest first.

    Raises:
        UsageError: no file, too many, or several currencies and none chosen.
        BookInvalid: a row breaks the rules of rows.
    """
    return books_of(survey(paths), currency=currency)


def survey(paths: Sequence[Path]) -> list[Source]:
    """Look through files: of which month each is, and what it deletes.

    Out: in the order in which they were said: by month, then by the batch's own number.
    """
    if not 1 <= len(paths) <= FILES_MAX:
        raise UsageError(f"1 to {FILES_MAX} files")
    found = [_surveyed(path) for path in paths]
    return sorted(found, key=lambda source: (source.month, source.sequence))


def books_of(sources: Sequence[Source], *, currency: str | None = None) -> Iterator[Book]:
    """Read what was surveyed, a month at a time."""
    chosen = _chosen(sources, currency)
    ranked = list(enumerate(sources))
    deleted = {account: rank for rank, source in ranked for account in source.deleted}
    subjects: dict[object, int] = {}
    for month, group in groupby(ranked, key=lambda one: one[1].month):
        loans: dict[str, Loan] = {}
        of_month = list(group)
        for rank, source in of_month:
            for loan in _loans(source.path, chosen, subjects):
                known = loans.get(loan.account_ref)
                gone = deleted.get(loan.account_ref, -1) >= rank
                if not gone and (known is None or known.as_of <= loan.as_of):
                    loans[loan.account_ref] = loan
            if len(loans) > LOANS_MAX:
                raise UsageError(f"{source.path}: more than {LOANS_MAX} accounts in a month")
        newest = max((loan.as_of for loan in loans.values()), default=_first_day(month))
        yield Book(
            month=month,
            as_of=newest,
            currency=chosen,
            loans=loans,
            sources=tuple(source for _, source in of_month),
        )


def _surveyed(path: Path) -> Source:
    newest, rows = "", 0
    currencies: set[str] = set()
    deleted: set[str] = set()
    for line, row in rows_of(path):
        rows += 1
        as_of = row.get("as_of")
        if not isinstance(as_of, str) or not is_date(as_of):
            raise fault(path, line, "as_of", "row.date")
        newest = max(newest, as_of)
        if row.get("op") == "DELETE":
            deleted.add(str(row.get("account_ref")))
            continue
        currency = row.get("currency")
        if not isinstance(currency, str):
            raise fault(path, line, "currency", "row.currency")
        currencies.add(currency)
    if not newest:
        raise UsageError(f"{path}: holds no row")
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return Source(
        path=path,
        month=month_of(date.fromisoformat(newest)),
        sha256=sha256,
        rows=rows,
        sequence=sequence_of(path),
        currencies=frozenset(currencies),
        deleted=frozenset(deleted),
    )


def _chosen(sources: Sequence[Source], currency: str | None) -> str:
    found = frozenset[str]().union(*(source.currencies for source in sources))
    if currency is None and len(found) != 1:
        raise UsageError(f"choose one currency of {', '.join(sorted(found)) or 'none'}")
    if currency is not None and currency not in found:
        raise UsageError(f"no row in {currency}")
    return currency or next(iter(found))


def _first_day(month: int) -> date:
    return date(month // 12, month % 12 + 1, 1)


def _loans(path: Path, currency: str, subjects: dict[object, int]) -> Iterator[Loan]:
    judged_in = Circumstances(
        today=date.max, as_of_from=date.min, as_of_to=date.max, currency=currency
    )
    seen: set[str] = set()
    for line, row in rows_of(path):
        if row.get("op") == "DELETE" or row.get("currency") != currency:
            continue
        subject, fields = _with_subject(path, line, row)
        for name, code in _flaws(fields, judged_in):
            raise fault(path, line, name, code)
        loan = _loan(Read(fields), subjects.setdefault(subject, len(subjects)))
        if loan.account_ref in seen:
            raise fault(path, line, "account_ref", "row.duplicate")
        seen.add(loan.account_ref)
        yield loan


def _with_subject(
    path: Path, line: int, row: Mapping[str, object]
) -> tuple[object, Mapping[str, object]]:
    """Return what tells one borrower from another, and the row with tokens."""
    if "tokens" in row:
        tokens = row["tokens"]
        return str(tokens[0] if isinstance(tokens, list) and tokens else tokens), row
    try:
        taken = draft(row)
    except CxError as error:
        raise BookInvalid(f"{path}: line {line}: identifiers: {error}") from None
    return taken.identifiers[0], {**taken.fields, "tokens": _STAND_IN}


def _flaws(row: Mapping[str, object], judged_in: Circumstances) -> list[Flaw]:
    return _asked(form_flaws(row)) or _asked(check_flaws(row, judged_in))


def _asked(flaws: list[Flaw]) -> list[Flaw]:
    return [one for one in flaws if one[0] not in _UNASKED and not one[1].startswith("plaus.")]


def _loan(row: Read, subject: int) -> Loan:
    as_of, closed = row.day("as_of") or date.min, row.day("closed_on")
    return Loan(
        account_ref=row.text("account_ref"),
        previous_ref=row.text("previous_ref"),
        subject=subject,
        counts=row.text("role") == "borrower",
        product=row.text("product"),
        status=row.text("status"),
        opened=month_of(row.day("opened_on") or as_of),
        closed=month_of(closed) if closed else None,
        as_of=as_of,
        principal_minor=row.number("principal_minor"),
        balance_minor=row.number("balance_minor"),
        overdue_minor=row.number("overdue_minor"),
        dpd=row.number("dpd"),
        five_class=row.number("five_class") or None,
        told=row.text("history"),
        flags=_flags(row),
    )


def _flags(row: Read) -> frozenset[str]:
    day = row.text("as_of")
    running = {one["cause"] for one in row.items("pauses") if one["from"] <= day <= one["to"]}
    found = {"PAUSED"} if running or row.text("status") == "PAUSED" else set()
    found |= {"DISPUTED"} if "DISPUTE" in running else set()
    found |= {"LITIGATION"} if row.text("status") == "LITIGATION" else set()
    return frozenset(found)
