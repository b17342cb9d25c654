"""Read what a page is asked for behind its path: fields, and the place where a list goes on.

The same cursors as the API's lists have: bound to the reader, the list and its filter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from flask import request

from exchange.domain.lists.cursors import Mac, Reading, read_cursor, write_cursor
from exchange.domain.lists.pages import Page, PageAsk, Row
from exchange.errors import InvalidField

CURSOR, LANGUAGE = "cursor", "lang"


def given(*names: str) -> dict[str, str]:
    """Return the fields behind the path; one that was left empty does not narrow.

    Raises:
        InvalidField: one is unknown or stands twice.
    """
    told = request.args.to_dict(flat=False)
    if not told.keys() <= {*names, CURSOR, LANGUAGE}:
        raise InvalidField("there is no such field", field="fields")
    for name, values in told.items():
        if len(values) != 1:
            raise InvalidField("must stand once", field=name)
    texts = ((name, told[name][0].strip()) for name in names if name in told)
    return {name: text for name, text in texts if text}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lists:
    """How lists are cut into pages, and the key that binds their cursors."""

    mac: Mac
    now: Callable[[], int]  # unix seconds
    rows: int
    cursor_life_seconds: int

    def ask(self, reading: Reading) -> PageAsk:
        """Return which page of a reading is asked for.

        Raises:
            InvalidCursor: the cursor is another reader's, list's or filter's, or too old.
        """
        cursor = request.args.get(CURSOR)
        after = cursor and read_cursor(
            cursor, reading, self.mac, self.now(), self.cursor_life_seconds
        )
        return PageAsk(rows=self.rows, after=after or None)

    def link(self, page: Page[Row], reading: Reading, fields: Mapping[str, str]) -> str | None:
        """Return where a list goes on, as a query; None: this was its last page.

        Args:
            fields: as the form of the page has them.
        """
        if page.next is None:
            return None
        cursor = write_cursor(page.next, reading, self.mac, self.now())
        return "?" + urlencode({**fields, CURSOR: cursor})


def day_start(text: str, zone: str, *, field: str, days: int = 0) -> int:
    """Return the first second (unix) of a day in an IANA time zone, or of the day so many later.

    Raises:
        InvalidField: it is no day, such as 2026-11-28.
    """
    try:
        day = date.fromisoformat(text) + timedelta(days=days)
        return int(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).timestamp())
    except (ValueError, OverflowError) as error:
        raise InvalidField("must be a day, such as 2026-11-28", field=field) from error
