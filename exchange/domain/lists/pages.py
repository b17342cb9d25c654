"""Pages: how many rows of a list are wanted and from where, and what there was of them.

A list is read in the order of a key that never changes and by `key > position`, never by offset:
so no row comes twice and none is missed while rows are added.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True, kw_only=True)
class PageAsk:
    """A page that is asked for."""

    rows: int  # at most so many
    after: str | None = None  # position of the last row shown; None: from the start

    @property
    def fetch(self) -> int:
        """How many rows to fetch: one more than are shown tells whether there are more."""
        return self.rows + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[Row]):
    """A page of a list."""

    rows: tuple[Row, ...]
    next: str | None  # position to go on from; None: this was the last page


def page_of(fetched: Sequence[Row], ask: PageAsk, position: Callable[[Row], str]) -> Page[Row]:
    """Cut what was fetched for a page down to it.

    Args:
        fetched: up to `ask.fetch` rows, in the list's order.
        ask: what was asked for.
        position: the key of a row, as text.
    """
    rows = tuple(fetched[: ask.rows])
    more = len(fetched) > len(rows)
    return Page(rows=rows, next=position(rows[-1]) if more else None)
