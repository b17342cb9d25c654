"""Hold what the rows add up to against the trailer, as they stream by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from exchange.domain.batches.forms import BatchTrailer
from exchange.domain.records import AMOUNT_MINOR_MAX
from exchange.domain.rows import AnyRow, Deletion, Flaw, Row, read_object
from exchange.errors import ControlTotal

_NAMES_MAX = 200  # more than there are currencies or statuses: beyond it, rows are only counted


class _Counted(NamedTuple):
    status: str
    currency: str  # "" for a deletion
    balance_minor: int
    overdue_minor: int


class Totals:
    """Adds up rows, as long as each can be read that far."""

    def __init__(self) -> None:
        self._by_status: Counter[str] = Counter()
        self._sums: dict[str, list[int]] = {}
        self.whole = True  # no row was met whose status or amounts could not be read

    def add(self, lines: Sequence[bytes], rows: Sequence[AnyRow | list[Flaw]]) -> None:
        """Add rows.

        Args:
            lines: their JSON, for those whose form is not right.
        """
        if not self.whole or self._add_alike(rows):
            return
        for line, row in zip(lines, rows, strict=True):
            counted = _salvage(line) if isinstance(row, list) else _counted(row)
            if counted is None or len(self._sums) + len(self._by_status) > _NAMES_MAX:
                self.whole = False
                return
            self._by_status[counted.status] += 1
            if counted.currency:
                of_currency = self._sums.setdefault(counted.currency, [0, 0])
                of_currency[0] += counted.balance_minor
                of_currency[1] += counted.overdue_minor

    def _add_alike(self, rows: Sequence[AnyRow | list[Flaw]]) -> bool:
        """Add rows of one currency that could all be read, at once; False if they are not such."""
        alike = [row for row in rows if isinstance(row, Row)]
        currencies = {row.currency for row in alike}
        few = len(self._sums) + len(self._by_status) < _NAMES_MAX // 2
        if len(alike) < len(rows) or len(currencies) != 1 or not few:
            return False
        self._by_status.update([row.status for row in alike])
        of_currency = self._sums.setdefault(currencies.pop(), [0, 0])
        of_currency[0] += sum([row.balance_minor for row in alike])
        of_currency[1] += sum([row.overdue_minor for row in alike])
        return True

    def check(self, trailer: BatchTrailer) -> None:
        """Compare with the trailer, if every row could be read.

        Raises:
            ControlTotal: a total differs.
        """
        if not self.whole:
            return
        if self._by_status != Counter(trailer.rows_by_status):
            raise ControlTotal("differs from the rows", field="rows_by_status")
        told = trailer.sums.items()
        if self._sums != {code: [each.balance_minor, each.overdue_minor] for code, each in told}:
            raise ControlTotal("differs from the rows", field="sums")


def _counted(row: AnyRow) -> _Counted:
    if isinstance(row, Deletion):
        return _Counted(row.reason, "", 0, 0)
    return _Counted(row.status, row.currency, row.balance_minor, row.overdue_minor)


def _salvage(line: bytes) -> _Counted | None:
    """Read what the totals need from a row that is refused, if that much can be read."""
    content, twice = read_object(line)
    if twice:
        return None
    if content.get("op") == "DELETE":
        reason = content.get("reason")
        return _Counted(reason, "", 0, 0) if isinstance(reason, str) else None
    status, currency = content.get("status"), content.get("currency")
    balance, overdue = _amount(content.get("balance_minor")), _amount(content.get("overdue_minor"))
    if not isinstance(status, str) or not isinstance(currency, str):
        return None
    if balance is None or overdue is None:
        return None
    return _Counted(status, currency, balance, overdue)


def _amount(value: object) -> int | None:
    return value if type(value) is int and 0 <= value <= AMOUNT_MINOR_MAX else None
