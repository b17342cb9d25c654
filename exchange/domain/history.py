"""The history string of an account: one character a month, newest first.

Character k is the state at the end of month(as_of) - k; k = 0 is the state at as_of itself.
`N` on time, `*` nothing due, `M` paid late within the month, `A` bill date moved, `1` to `7`
bucket, `B` charged off, `D` guarantor paid, `Z` asset settled, `C` settled, `G` closed otherwise
(sold), `#` unknown, `/` not yet opened. Source: PBOC repayment status (to be confirmed).
"""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache

from exchange.domain.records import HISTORY_MONTHS_MAX, Status, month, status_bucket

UNKNOWN = "#"
NOT_OPENED = "/"
LATE_WITHIN_MONTH = "1234567M"  # followed by being on time in the same month: paid late
_PAID = "N*MA"
_CLOSED = {
    Status.GUARANTOR_PAID: "D",
    Status.ASSET_SETTLED: "Z",
    Status.SETTLED: "C",
    Status.SOLD: "G",
}
# h(c): how bad a month was.
LEVELS = bytes.maketrans(b"1234567BDZ", bytes([1, 2, 3, 4, 5, 6, 7, 7, 7, 7])).translate(
    bytes(c if c < 8 else 0 for c in range(256))
)
# A newer character and the older one after it that cannot be neighbours: a bucket that rose by
# more than two in a month (31 days can cross two edges), something after a charge-off that is no
# end, an end that was not the last state, a month of life before the opening.
_IMPOSSIBLE = re.compile(
    r"3[N*MA/]|4[N*MA/1]|5[N*MA/12]|6[N*MA/1-3]|7[N*MA/1-4]|[^BDZGC]B|.[DZGC]|/[^/]"
)


def levels(history: str, months: int) -> bytes:
    """Return how bad each of the newest months was, 0 to 7, without the clean tail."""
    return history[:months].encode().translate(LEVELS).rstrip(b"\0") if months > 0 else b""


def length_max(opened_on: date, as_of: date) -> int:
    """Return how many months an account of this age can have."""
    return min(HISTORY_MONTHS_MAX, month(as_of) - month(opened_on) + 1)


def is_possible(history: str) -> bool:
    """Tell whether each month can follow the one before it."""
    return not _IMPOSSIBLE.search(history)


@lru_cache(maxsize=65_536)  # few statuses, and days that most accounts share
def state_now(status: Status, dpd: int) -> str:
    """Return every character that may stand for this status at as_of, the plainest first."""
    if status is Status.CURRENT:
        return _PAID
    if status is Status.CHARGED_OFF:
        return "B"
    if status in _CLOSED:
        return _CLOSED[status]
    level = status_bucket(status, dpd)
    if level == 0:  # PAUSED or RESTRUCTURED with nothing overdue
        return "N*"
    return f"{level}B" if status in (Status.OVERDUE, Status.LITIGATION) else str(level)


class HistoryConflict(Exception):
    """A row tells a month differently from what is already known."""


def first_history(told: str, now: str) -> str:
    """Return the history of a record seen for the first time: what the row tells, or its state."""
    return told or now


def extend_history(stored: str, stored_as_of: date, told: str, row_as_of: date, now: str) -> str:
    """Add a row to what is known.

    Args:
        stored: the history kept so far, newest at the month of `stored_as_of`.
        told: the row's own history, or "".
        now: the character of the row's state at its as_of.

    Raises:
        HistoryConflict: the row tells a month differently that was known to its end.
    """
    known = _shifted(stored, month(row_as_of) - month(stored_as_of), now)
    if not told:
        return known[:HISTORY_MONTHS_MAX]
    settled = _settled_from(stored_as_of, row_as_of)
    for k in range(settled, min(len(told), len(known))):
        if UNKNOWN not in (known[k], told[k]) and known[k] != told[k]:
            raise HistoryConflict
    return _merged(told, known)


def amend_history(stored: str, stored_as_of: date, told: str, row_as_of: date, now: str) -> str:
    """Correct what is known: where the row tells a month, its word stands."""
    known = _shifted(stored, month(row_as_of) - month(stored_as_of), now)
    return _merged(told or now, known)


def _shifted(stored: str, months: int, now: str) -> str:
    """Move what is known to another as_of month; nothing is known of the months between."""
    if months > 0:
        return now + UNKNOWN * min(months - 1, HISTORY_MONTHS_MAX) + stored
    return now + stored[1 - months :]


def _settled_from(stored_as_of: date, row_as_of: date) -> int:
    """Return the first k whose month was known to its end.

    The stored state of a month that was still running is no word about that month's end.
    """
    months = month(row_as_of) - month(stored_as_of)
    ended = month(date.fromordinal(stored_as_of.toordinal() + 1)) > month(stored_as_of)
    return max(1, months if ended else months + 1)


def _merged(told: str, known: str) -> str:
    head = "".join(k if t == UNKNOWN else t for t, k in zip(told, known, strict=False))
    longer = told if len(told) > len(known) else known
    return (head + longer[len(head) :])[:HISTORY_MONTHS_MAX]


def hidden(history: str, newest_month: int, through_month: int) -> str:
    """Make every month up to and with `through_month` unknown: its retention is over."""
    keep = max(0, newest_month - through_month)
    return history[:keep] + UNKNOWN * (len(history) - keep)
