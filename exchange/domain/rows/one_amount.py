"""Notice when a suspicious share of a file's rows is overdue by one and the same amount.

In:  rows as they stream by.
Out: the line to warn at, if there is one.
Lossy counting keeps what is counted small: an amount that is met rarely is forgotten again, so a
count may fall short by one row in 10,000. Source: Manku and Motwani, VLDB 2002.
"""

from __future__ import annotations

from collections.abc import Sequence

from exchange.domain.rows.faults import Flaw
from exchange.domain.rows.forms import Row
from exchange.domain.rows.reading import AnyRow

_ROWS_MIN = 20
_PERCENT_MAX = 30
_WINDOW_ROWS = 10_000


class OneAmount:
    """Counts overdue amounts."""

    def __init__(self) -> None:
        self._seen = 0  # rows that are overdue
        self._counts: dict[int, list[int]] = {}  # amount -> count, most that was missed, first line

    def add(self, first: int, rows: Sequence[AnyRow | list[Flaw]]) -> None:
        """Count rows that follow each other from the line `first` on."""
        for line, row in enumerate(rows, first):
            if not isinstance(row, Row) or not row.overdue_minor:
                continue
            missed = self._seen // _WINDOW_ROWS
            self._counts.setdefault(row.overdue_minor, [0, missed, line])[0] += 1
            self._seen += 1
            if self._seen % _WINDOW_ROWS == 0:
                self._forget(missed + 1)

    def line(self, rows: int) -> int | None:
        """Return the line of the first row that shares the amount, if too many do.

        Args:
            rows: of the whole file.
        """
        if rows < _ROWS_MIN or not self._counts:
            return None
        count, _, line = max(self._counts.values(), key=lambda kept: (kept[0], -kept[2]))
        return line if count * 100 > rows * _PERCENT_MAX else None

    def _forget(self, windows: int) -> None:
        self._counts = {
            amount: kept for amount, kept in self._counts.items() if kept[0] + kept[1] > windows
        }
