"""Pages over HTTP: `?limit=` and `?cursor=` in; `has_more` and `next` out.

pager = ports.pager("webhook_deliveries", {"webhook": …})
page = list_deliveries(…, pager.ask)
return answer({"deliveries": […], **pager.tail(page)})
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from flask import request

from exchange.api.edge.guard import current_caller
from exchange.domain.lists.cursors import Mac, Reading, read_cursor, write_cursor
from exchange.domain.lists.pages import Page, PageAsk
from exchange.errors import Fault, InvalidField

Row = TypeVar("Row")

LIMIT, CURSOR = "limit", "cursor"
_NUMBER = re.compile(r"-?[0-9]{1,19}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Paging:
    """How lists are cut into pages, and the key that binds their cursors."""

    mac: Mac
    now: Callable[[], int]  # unix seconds
    rows_default: int
    rows_max: int
    cursor_life_seconds: int

    def pager(self, listing: str, *names: str) -> Pager:
        """Read the page that the caller asks for.

        Args:
            listing: the list's name, to which its cursors are bound.
            names: further arguments that this list is filtered by, each optional.

        Raises:
            InvalidField: an argument is unknown, stands twice, or is no lawful page size.
            InvalidCursor: the cursor is another member's, list's or filter's, or too old.
        """
        given = arguments(LIMIT, CURSOR, *names)
        cursor, rows = given.pop(CURSOR, None), self.rows(given.pop(LIMIT, None))
        reading = Reading(member=current_caller().member, listing=listing, filter=given)
        after = None
        if cursor is not None:
            after = read_cursor(cursor, reading, self.mac, self.now(), self.cursor_life_seconds)
        return Pager(paging=self, reading=reading, ask=PageAsk(rows=rows, after=after))

    def rows(self, text: str | None) -> int:
        """Read a page size.

        Raises:
            InvalidField: it is no whole number from 1 to the largest page.
        """
        if text is None:
            return self.rows_default
        if not _NUMBER.fullmatch(text) or not 1 <= int(text) <= self.rows_max:
            raise InvalidField(f"must be a whole number, 1 to {self.rows_max}", field=LIMIT)
        return int(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pager:
    """One page's reading: what was asked, and how its answer ends."""

    paging: Paging
    reading: Reading
    ask: PageAsk

    @property
    def filter(self) -> Mapping[str, str]:
        """What the list is filtered by, as it was given."""
        return self.reading.filter

    def tail(self, page: Page[Row]) -> dict[str, object]:
        """Return the members with which every page ends."""
        if page.next is None:
            return {"has_more": False, "next": None}
        paging = self.paging
        cursor = write_cursor(page.next, self.reading, paging.mac, paging.now())
        return {"has_more": True, "next": cursor}


def arguments(*names: str) -> dict[str, str]:
    """Return the arguments behind the path, each of a known name and given once.

    Raises:
        InvalidField: one is unknown or stands twice.
    """
    given = request.args.to_dict(flat=False)
    if not given.keys() <= set(names):  # An unknown name is not repeated.
        expected = f"there is no such argument; there are: {', '.join(names) or 'none'}"
        raise InvalidField(expected, faults=(Fault("", InvalidField.code, expected),))
    for name, values in given.items():
        if len(values) != 1:
            raise InvalidField("must stand once", field=name)
    return {name: values[0] for name, values in given.items()}
